//! A small strict reader for the XML that STS answers with.
//!
//! It knows elements and text. Attributes are never looked at, a document type is refused (so there
//! are no entities to expand), and depth, number and name length of elements are limited, so that
//! the work is linear in the size of the text.

use std::fmt;

use quick_xml::Reader;
use quick_xml::errors::Error;
use quick_xml::events::{BytesRef, Event};

/// A real answer is below 10 KiB.
pub const MAX_BYTES: usize = 64 * 1024;
/// A real answer is 4 deep.
const MAX_DEPTH: usize = 16;
/// A real answer has about 15.
const MAX_ELEMENTS: usize = 512;
const MAX_NAME_BYTES: usize = 128;

/// The text of every element. It has no `Debug`: an answer of STS holds credentials.
pub struct Document {
    root: String,
    /// Path below the root, and text.
    elements: Vec<(String, String)>,
}

impl Document {
    /// Reads a whole document.
    ///
    /// # Errors
    /// When the text is no well-formed XML, or is XML that STS would not send.
    pub fn read(xml: &str) -> Result<Self, XmlFault> {
        if xml.len() > MAX_BYTES {
            return Err(XmlFault::TooLarge);
        }
        let mut reader = Reader::from_str(xml.strip_prefix('\u{feff}').unwrap_or(xml));
        let mut builder = Builder::default();
        loop {
            match reader.read_event()? {
                Event::Start(tag) => builder.open(tag.local_name().as_ref())?,
                Event::Empty(tag) => {
                    builder.open(tag.local_name().as_ref())?;
                    builder.close()?;
                }
                Event::End(_) => builder.close()?,
                Event::Text(text) => builder.text(&text.xml10_content())?,
                Event::CData(data) => builder.data(&data.xml10_content())?,
                Event::GeneralRef(reference) => builder.data(resolve(&reference)?.encode_utf8(&mut [0; 4]))?,
                Event::DocType(_) => return Err(XmlFault::DocumentType),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return builder.finish(),
            }
        }
    }

    /// The outermost element's name, without a namespace prefix.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The text directly in the element at a path of names below the root, such as `Error/Code`,
    /// without white space around it. An element that is there more than once has no text that
    /// could be meant.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        let mut found = self.elements.iter().filter(|(place, _)| place == path);
        match (found.next(), found.next()) {
            (Some((_, text)), None) => Some(text),
            _ => None,
        }
    }
}

/// Why a text is not an answer that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlFault {
    Character,
    DocumentType,
    Empty,
    Entity,
    Malformed,
    NameTooLong,
    NotXml,
    TooDeep,
    TooLarge,
    TooManyElements,
    Truncated,
}

impl fmt::Display for XmlFault {
    /// Goes on from "the answer …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "has a character that XML does not allow",
            Self::DocumentType => "is XML with a document type, which STS never sends",
            Self::Empty => "is empty",
            Self::Entity => "is XML with an entity that is not defined",
            Self::Malformed => "is not well-formed XML",
            Self::NameTooLong | Self::TooDeep | Self::TooManyElements => "is XML, but far from what STS sends",
            Self::NotXml => "is not XML",
            Self::TooLarge => "is far longer than what STS sends",
            Self::Truncated => "ends in the middle",
        })
    }
}

impl From<Error> for XmlFault {
    #[cold]
    fn from(error: Error) -> Self {
        match error {
            // Each of them means that the input ended before something was closed.
            Error::Syntax(_) => Self::Truncated,
            _ => Self::Malformed,
        }
    }
}

#[derive(Default)]
struct Builder {
    root: Option<String>,
    /// The path of the innermost open element.
    path: String,
    /// For each open element, the root first: how long the path of its parent is, and its text.
    open: Vec<(usize, String)>,
    count: usize,
    elements: Vec<(String, String)>,
}

impl Builder {
    fn open(&mut self, name: &str) -> Result<(), XmlFault> {
        self.count += 1;
        if name.is_empty() {
            return Err(XmlFault::Malformed);
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(XmlFault::NameTooLong);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(XmlFault::TooDeep);
        }
        if self.count > MAX_ELEMENTS {
            return Err(XmlFault::TooManyElements);
        }
        self.open.push((self.path.len(), String::new()));
        if self.open.len() == 1 {
            // A second outermost element.
            if self.root.is_some() {
                return Err(XmlFault::Malformed);
            }
            self.root = Some(name.to_owned());
        } else {
            if !self.path.is_empty() {
                self.path.push('/');
            }
            self.path.push_str(name);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlFault> {
        let (parent, text) = self.open.pop().ok_or(XmlFault::Malformed)?;
        if !self.open.is_empty() {
            self.elements.push((self.path.clone(), text.trim_matches(is_space).to_owned()));
            // What was the path's length when the element was opened is a character boundary.
            self.path.truncate(parent);
        }
        Ok(())
    }

    /// Between the outermost element and the ends of the document, white space may stand.
    fn text(&mut self, text: &str) -> Result<(), XmlFault> {
        if self.open.is_empty() && text.chars().all(is_space) { Ok(()) } else { self.data(text) }
    }

    fn data(&mut self, text: &str) -> Result<(), XmlFault> {
        if !text.chars().all(is_xml_char) {
            return Err(XmlFault::Character);
        }
        match self.open.last_mut() {
            Some((_, all)) => all.push_str(text),
            None if self.root.is_none() => return Err(XmlFault::NotXml),
            None => return Err(XmlFault::Malformed),
        }
        Ok(())
    }

    fn finish(self) -> Result<Document, XmlFault> {
        if !self.open.is_empty() {
            return Err(XmlFault::Truncated);
        }
        Ok(Document { root: self.root.ok_or(XmlFault::Empty)?, elements: self.elements })
    }
}

/// A character reference, or one of the five entities that need no definition (XML 1.0 section 4.6).
fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlFault> {
    if let Some(c) = reference.resolve_char_ref().map_err(|_| XmlFault::Entity)? {
        return Ok(c);
    }
    match &**reference {
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "gt" => Ok('>'),
        "lt" => Ok('<'),
        "quot" => Ok('"'),
        _ => Err(XmlFault::Entity),
    }
}

/// XML 1.0 section 2.3, `S`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// XML 1.0 section 2.2, `Char`.
fn is_xml_char(c: char) -> bool {
    is_space(c) || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_found_by_path() {
        let xml = "\u{feff}<?xml version=\"1.0\"?>\n<!-- c --><s:R xmlns:s=\"x\" a='>'>\n <A>\n  <B> one </B><C/>\n <B2>t&lt;<![CDATA[&w<]]>o&#x21;</B2></A><D>1</D><D>2</D></s:R>\n";
        let document = Document::read(xml).unwrap();
        assert_eq!(document.root(), "R");
        assert_eq!(document.text("A/B"), Some("one"));
        assert_eq!(document.text("A/C"), Some(""));
        assert_eq!(document.text("A/B2"), Some("t<&w<o!"));
        assert_eq!(document.text("A"), Some(""));
        assert_eq!(document.text("B"), None);
        assert_eq!(document.text("D"), None, "which of the two?");
    }

    #[test]
    fn what_is_no_answer_is_named() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        let long = format!("<{}/>", "a".repeat(MAX_NAME_BYTES + 1));
        let large = " ".repeat(MAX_BYTES + 1);
        for (xml, fault) in [
            ("", XmlFault::Empty),
            (" \n", XmlFault::Empty),
            ("<!-- only -->", XmlFault::Empty),
            ("502 Bad Gateway", XmlFault::NotXml),
            ("{\"message\": \"a < b\"}", XmlFault::NotXml),
            ("<!DOCTYPE html><html></html>", XmlFault::DocumentType),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>", XmlFault::DocumentType),
            ("<x>&nbsp;</x>", XmlFault::Entity),
            ("<x>&#xD800;</x>", XmlFault::Entity),
            ("<x>&#x110000;</x>", XmlFault::Entity),
            ("<x>&#0;</x>", XmlFault::Entity),
            ("<x>&#27;</x>", XmlFault::Character),
            ("<x>\u{1b}</x>", XmlFault::Character),
            ("<x><y></x></y>", XmlFault::Malformed),
            ("<x></x><y></y>", XmlFault::Malformed),
            ("<x></x>tail", XmlFault::Malformed),
            ("</x>", XmlFault::Malformed),
            ("<x>a & b</x>", XmlFault::Malformed),
            ("<></>", XmlFault::Malformed),
            ("<x><y>", XmlFault::Truncated),
            ("<x><y", XmlFault::Truncated),
            ("<x><![CDATA[y", XmlFault::Truncated),
            ("<x><!-- y", XmlFault::Truncated),
            (&deep, XmlFault::TooDeep),
            (&many, XmlFault::TooManyElements),
            (&long, XmlFault::NameTooLong),
            (&large, XmlFault::TooLarge),
        ] {
            assert_eq!(Document::read(xml).err(), Some(fault), "{}", xml.get(..40).unwrap_or(xml));
        }
    }

    /// A tree to write down and read back: name, text before the children, children.
    #[derive(Clone, Debug)]
    struct Tree(String, String, Vec<Tree>);

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = ("[A-Za-z][A-Za-z0-9]{0,5}", "[ -~\t\u{a0}-\u{ff}\u{2028}\u{1f600}]{0,12}")
            .prop_map(|(name, text)| Tree(name, text, Vec::new()));
        leaf.prop_recursive(4, 24, 4, |inner| {
            ("[A-Za-z][A-Za-z0-9]{0,5}", "[ -~]{0,6}", prop::collection::vec(inner, 0..4))
                .prop_map(|(name, text, children)| Tree(name, text, children))
        })
    }

    fn write(tree: &Tree, style: u8, out: &mut String) {
        let Tree(name, text, children) = tree;
        let text = match style % 3 {
            0 => quick_xml::escape::escape(text.as_str()).into_owned(),
            1 => format!("<![CDATA[{}]]>", text.replace("]]>", "]] >")),
            _ => text.chars().flat_map(|c| format!("&#{};", u32::from(c)).into_bytes()).map(char::from).collect(),
        };
        out.extend(["<", name, ">", &text]);
        for child in children {
            write(child, style.wrapping_add(1), out);
        }
        out.extend(["</", name, ">"]);
    }

    fn written(tree: &Tree, style: u8) -> String {
        let mut xml = String::new();
        write(tree, style, &mut xml);
        xml
    }

    /// What roxmltree makes of the same text, in our terms.
    fn reference(xml: &str) -> Option<Vec<(String, String)>> {
        fn collect(node: roxmltree::Node<'_, '_>, path: &str, out: &mut Vec<(String, String)>) {
            for child in node.children().filter(roxmltree::Node::is_element) {
                let name = child.tag_name().name();
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
                collect(child, &path, out);
                let text: String =
                    child.children().filter(roxmltree::Node::is_text).filter_map(|part| part.text()).collect();
                out.push((path, text.trim_matches(is_space).to_owned()));
            }
        }
        let document = roxmltree::Document::parse(xml).ok()?;
        let mut out = Vec::new();
        collect(document.root_element(), "", &mut out);
        Some(out)
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), markup in "[<>/!\\[\\]A-C&;#x0-9?\"' -]{0,60}") {
            let _ = Document::read(&text);
            let _ = Document::read(&markup);
        }

        #[test]
        fn agrees_with_roxmltree_on_documents(tree in tree(), style in any::<u8>()) {
            let xml = written(&tree, style);
            let ours = Document::read(&xml).ok().map(|document| document.elements);
            prop_assert!(ours.is_some(), "{}", xml);
            prop_assert_eq!(ours, reference(&xml));
        }

        /// Where both can read a damaged document, they read the same.
        #[test]
        fn agrees_with_roxmltree_on_damaged_documents(
            tree in tree(), style in any::<u8>(), at in any::<prop::sample::Index>(), junk in "[<>/&;#x0-9a\\]!-]{0,3}",
        ) {
            let mut xml: Vec<char> = written(&tree, style).chars().collect();
            let at = at.index(xml.len());
            xml.splice(at..(at + 1).min(xml.len()), junk.chars());
            let xml: String = xml.into_iter().collect();
            if let (Ok(ours), Some(reference)) = (Document::read(&xml), reference(&xml)) {
                prop_assert_eq!(ours.elements, reference, "{}", xml);
            }
        }
    }
}
