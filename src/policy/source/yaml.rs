//! YAML as templates are written in it, with places. Tags such as `!Sub` become what they are short for.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use crate::policy::json::{Fault, Slip};
use crate::policy::tree::{Kind, Member, Node, Span};

/// A template has 1 MB at most, and a dump is seldom asked for as YAML.
const MAX_BYTES: usize = 16 << 20;
const MAX_DEPTH: usize = 100;
/// Aliases let a short text stand for an endless one.
const MAX_NODES: usize = 1_000_000;

/// The documents of a text, up to the first fault.
pub(super) fn read(text: &str) -> (Vec<Node>, Option<Fault>) {
    if text.len() > MAX_BYTES {
        let slip = Slip::Other(format!("more than {} MiB of YAML", MAX_BYTES >> 20));
        return (Vec::new(), Some(Fault { span: Span::default(), slip }));
    }
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = text.get(mark..).unwrap_or_default();
    let mut builder = Builder {
        text,
        places: Places::new(text, mark),
        mark,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        documents: Vec::new(),
    };
    for event in Parser::new_from_str(text) {
        let outcome = match event {
            Ok((event, span)) => builder.take(event, builder.places.span(span)),
            Err(error) => Err(builder.fault(&error)),
        };
        if let Err(fault) = outcome {
            return (builder.documents, Some(fault));
        }
    }
    (builder.documents, None)
}

/// The parser counts characters.
struct Places {
    /// Where each character starts, unless all of them have one byte.
    starts: Option<Vec<usize>>,
    mark: usize,
    length: usize,
}

impl Places {
    fn new(text: &str, mark: usize) -> Self {
        let starts = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { starts, mark, length: text.len() }
    }

    fn at(&self, index: usize) -> usize {
        let at = match &self.starts {
            None => index.min(self.length),
            Some(starts) => starts.get(index).copied().unwrap_or(self.length),
        };
        at + self.mark
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        Span::new(self.at(span.start.index()), self.at(span.end.index()))
    }
}

struct Builder<'t> {
    text: &'t str,
    places: Places,
    mark: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: Vec<Node>,
}

/// A collection of which the end has not come yet.
struct Open {
    span: Span,
    tag: Option<&'static str>,
    anchor: usize,
    what: What,
}

enum What {
    List(Vec<Node>),
    Object(Vec<Member>, Option<(String, Span)>),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let has_properties = anchor > 0 || tag.is_some();
                let inner = self.bare(span, style, has_properties);
                self.closed(scalar(text, style, tag.as_deref(), Span::new(span.start, inner.end), inner), anchor)
            }
            Event::SequenceStart(anchor, tag) => self.opened(span, tag.as_deref(), anchor, What::List(Vec::new())),
            Event::MappingStart(anchor, tag) => {
                self.opened(span, tag.as_deref(), anchor, What::Object(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let anchor = open.anchor;
                    self.closed(open.close(span), anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Fault { span, slip: Slip::Other("an alias inside what it stands for".to_owned()) });
                };
                self.nodes += size(node);
                if self.nodes > MAX_NODES {
                    return Err(Fault { span, slip: Slip::TooMany });
                }
                let node = node.clone();
                // Its place is where it was written, which is where a change has to be made.
                self.closed(node, 0)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::DocumentEnd | Event::StreamStart | Event::StreamEnd | Event::Nothing => Ok(()),
        }
    }

    fn opened(&mut self, span: Span, tag: Option<&Tag>, anchor: usize, what: What) -> Result<(), Fault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault { span, slip: Slip::TooDeep });
        }
        // The parser's place of a collection with a tag or an anchor starts at that.
        self.open.push(Open { span, tag: tag.and_then(long_form), anchor, what });
        Ok(())
    }

    fn closed(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Fault { span: node.span, slip: Slip::TooMany });
        }
        if anchor > 0 {
            self.nodes += size(&node);
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.what {
            What::List(items) => items.push(node),
            What::Object(members, name) => match name.take() {
                Some((name, name_span)) => members.push(Member { name, name_span, value: node }),
                None => match node.scalar() {
                    Some(text) => *name = Some((text.to_owned(), node.span)),
                    None if node.kind == Kind::Null => *name = Some((String::new(), node.span)),
                    None => {
                        let slip = Slip::Other(format!("{} as a name", node.kind_name()));
                        return Err(Fault { span: node.span, slip });
                    }
                },
            },
        }
        Ok(())
    }

    /// The scalar itself, without the tag and the anchor before it, and without the line break after a block.
    fn bare(&self, span: Span, style: ScalarStyle, has_properties: bool) -> Span {
        let (from, to) = (span.start - self.mark, span.end - self.mark);
        let Some(raw) = self.text.get(from..to) else { return span };
        let mut rest = raw;
        if has_properties {
            while rest.starts_with(['!', '&']) {
                rest = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
            }
            if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                rest = rest.split_once('\n').map_or("", |(_, block)| block.trim_start());
            }
        }
        let start = span.end - rest.len();
        Span::new(start, (start + rest.trim_end().len()).max(start))
    }

    fn fault(&self, error: &ScanError) -> Fault {
        let at = self.places.at(error.marker().index());
        let next = self.text.get(at - self.mark..).and_then(|rest| rest.chars().next());
        let slip = match error.info() {
            info if info.starts_with("tabs ") => "a tab in the indentation, where YAML wants spaces".to_owned(),
            info => info.to_owned(),
        };
        Fault { span: Span::new(at, at + next.map_or(0, char::len_utf8)), slip: Slip::Other(slip) }
    }
}

impl Open {
    fn close(self, end: Span) -> Node {
        let (last, kind) = match self.what {
            What::List(items) => (items.last().map(|item| item.span.end), Kind::List(items)),
            What::Object(members, _) => (members.last().map(|member| member.value.span.end), Kind::Object(members)),
        };
        // The end of a block is where the next thing starts; what belongs to it ends before.
        let end = if end.end > end.start { end.end } else { last.unwrap_or(self.span.end) };
        let span = Span::new(self.span.start, end.max(self.span.start));
        tagged(Node { span, kind }, span, self.tag)
    }
}

/// `whole` has the tag as well, so that it is the place of what a function comes to.
fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>, whole: Span, span: Span) -> Node {
    let function = tag.and_then(long_form);
    let is_text = function.is_some() || tag.is_some_and(|tag| tag.suffix == "str");
    let kind = match (style, text.as_ref()) {
        (ScalarStyle::Plain, plain) if !is_text => match plain {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" => Kind::Bool(true),
            "false" | "False" | "FALSE" => Kind::Bool(false),
            number if is_number(number) => Kind::Number(number.to_owned()),
            _ => Kind::Text(text.into_owned()),
        },
        _ => Kind::Text(text.into_owned()),
    };
    tagged(Node { span, kind }, whole, function)
}

fn tagged(value: Node, span: Span, function: Option<&'static str>) -> Node {
    let Some(name) = function else { return value };
    let start = Span::new(span.start, span.start);
    Node { span, kind: Kind::Object(vec![Member { name: name.to_owned(), name_span: start, value }]) }
}

/// Of the functions that have a short form.
fn long_form(tag: &Tag) -> Option<&'static str> {
    if tag.handle != "!" {
        return None;
    }
    ["Ref", "Condition"].into_iter().find(|name| *name == tag.suffix).or_else(|| {
        super::intrinsic::FUNCTIONS.iter().copied().find(|name| name.strip_prefix("Fn::") == Some(&tag.suffix))
    })
}

/// What JSON writes without quotes.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Object(members) => members.iter().map(|member| size(&member.value)).sum(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tree::Lines;

    /// As JSON, each scalar followed by its spelling where that is another.
    fn shown(text: &str, node: &Node) -> String {
        let raw = &text[node.span.start..node.span.end];
        match &node.kind {
            Kind::List(items) => {
                format!("[{}]", items.iter().map(|item| shown(text, item)).collect::<Vec<_>>().join(","))
            }
            Kind::Object(members) => {
                let each: Vec<String> =
                    members.iter().map(|member| format!("{}:{}", member.name, shown(text, &member.value))).collect();
                format!("{{{}}}", each.join(","))
            }
            Kind::Null => "null".to_owned(),
            Kind::Text(value) => format!("{value:?}@{raw:?}"),
            _ => raw.to_owned(),
        }
    }

    #[test]
    fn values_have_their_places() {
        for (text, expected) in [
            ("a: 1\nb: [x, 'y']", r#"{a:1,b:["x"@"x","y"@"'y'"]}"#),
            ("Version: 2012-10-17\nid: 012", r#"{Version:"2012-10-17"@"2012-10-17",id:012}"#),
            ("é: ü\nb: c", r#"{é:"ü"@"ü",b:"c"@"c"}"#),
            ("a: !Ref X", r#"{a:{Ref:"X"@"X"}}"#),
            ("a: !Sub '${B}'", r#"{a:{Fn::Sub:"${B}"@"'${B}'"}}"#),
            (
                "a: !Join [':', [!GetAtt P.Arn, sub]]",
                r#"{a:{Fn::Join:[":"@"':'",[{Fn::GetAtt:"P.Arn"@"P.Arn"},"sub"@"sub"]]}}"#,
            ),
            (
                "a: !If\n  - C\n  - !Ref AWS::NoValue\n  - true",
                r#"{a:{Fn::If:["C"@"C",{Ref:"AWS::NoValue"@"AWS::NoValue"},true]}}"#,
            ),
            ("a: |\n  {\n   x\n  }\nb: 1", r#"{a:"{\n x\n}\n"@"{\n   x\n  }",b:1}"#),
            ("a: !Sub |\n  x ${Y}\n  z\n", r#"{a:{Fn::Sub:"x ${Y}\nz\n"@"x ${Y}\n  z"}}"#),
            ("a: &x {k: v}\nb: *x", r#"{a:{k:"v"@"v"},b:{k:"v"@"v"}}"#),
            ("a: !unknown 1\nb:", r#"{a:1,b:null}"#),
            ("\u{feff}a: b", r#"{a:"b"@"b"}"#),
        ] {
            let (documents, fault) = read(text);
            assert_eq!(fault, None, "{text}");
            assert_eq!(documents.iter().map(|node| shown(text, node)).collect::<Vec<_>>(), [expected], "{text}");
        }
        assert_eq!(read("a: 1\n---\nb: 2\n").0.len(), 2);
    }

    #[test]
    fn faults_have_a_place() {
        for (text, place, slip) in [
            ("a: b: c", (1, 5), "mapping values are not allowed in this context"),
            ("a:\n\t- b", (2, 2), "a tab in the indentation, where YAML wants spaces"),
            ("a: 1\n b: 2", (2, 3), "mapping values are not allowed in this context"),
            ("a: *x", (1, 4), "while parsing node, found unknown anchor"),
            ("? {a: b}\n: c", (1, 3), "an object as a name"),
        ] {
            let fault = read(text).1.unwrap();
            assert_eq!((Lines::new(text).place(fault.span.start), fault.slip.to_string().as_str()), (place, slip));
        }
    }

    #[test]
    fn short_texts_that_stand_for_long_ones_are_refused() {
        let mut laughs = String::from("a0: &a0 x\n");
        for index in 1..40 {
            laughs.push_str(&format!("a{index}: &a{index} [*a{0}, *a{0}, *a{0}]\n", index - 1));
        }
        assert_eq!(read(&laughs).1.map(|fault| fault.slip), Some(Slip::TooMany));
        assert_eq!(read(&"- ".repeat(200)).1.map(|fault| fault.slip), Some(Slip::TooDeep));
    }
}
