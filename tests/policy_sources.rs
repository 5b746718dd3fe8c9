//! Policies in the files that people have: what is found, and where. Each folder of
//! `tests/policies/sources` holds one file and `expected.txt`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ci_assume_role::policy::document::{Text, TrustPolicy};
use ci_assume_role::policy::source::{self, File, Found, Role, Spelling, Why};
use ci_assume_role::policy::tree::{Kind, Lines, Node, Span};
use proptest::prelude::*;
use serde_json::Value;

#[test]
fn every_source_is_read_as_expected() {
    let mut wrong = Vec::new();
    for (name, text, expected_path) in sources() {
        println!("{}", expected_path.display()); // shown when it panics
        let got = shown(&text, &source::read(&name, &text));
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected_path, &got).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if got != expected {
            wrong.push(format!("{}:\n{got}", expected_path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The judge is `serde_json`: the document at the pointer, taken out of its text where it stands in one.
#[test]
fn a_pointer_leads_to_what_was_read() {
    let mut compared = 0;
    for (name, text, _) in sources() {
        let Ok(file) = serde_json::from_str::<Value>(&text) else { continue };
        for Found { node, pointer, spelling, fault, .. } in source::read(&name, &text).policies {
            let Some(there) = file.pointer(&pointer) else { panic!("{name}: nothing at {pointer}") };
            if matches!(spelling, Spelling::Other) || name == "template.json" || fault.is_some() {
                continue; // computed, or not JSON
            }
            let document = match there.as_str() {
                Some(inner) if spelling == Spelling::PercentText => {
                    let inner = percent_encoding::percent_decode_str(inner).decode_utf8().unwrap();
                    serde_json::from_str(&inner).unwrap()
                }
                Some(inner) => serde_json::from_str(inner).unwrap(),
                None => there.clone(),
            };
            assert_eq!(value(&node), document, "{name} {pointer}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "only {compared}");
}

/// What stands in the file at the place of a text is a spelling of that text.
#[test]
fn a_place_holds_what_was_read() {
    for (name, text, _) in sources() {
        for found in source::read(&name, &text).policies {
            each_text(&found.policy, &mut |part| {
                let raw = &text[part.span.start..part.span.end];
                let encoded = found.spelt(&text, part.span, &part.text);
                let plain = raw.trim_matches(['"', '\'', '\\']).replace("%22", "");
                match found.spelling {
                    Spelling::JsonText => assert_eq!(plain, encoded.unwrap(), "{name}"),
                    Spelling::PercentText => {
                        let decode =
                            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
                        assert_eq!(decode(&plain), part.text, "{name}");
                        assert_eq!(decode(&encoded.unwrap()), part.text, "{name}");
                    }
                    _ if part.text.contains("${") || raw.contains("Fn::") || raw.starts_with(['!', '[']) => {}
                    _ if raw.contains('\\') || raw.contains("Ref") || raw == "ProviderArn" => {}
                    _ if name.starts_with("template") => {}
                    _ => assert_eq!(plain, part.text, "{name}"),
                }
            });
        }
    }
}

/// Every change of a JSON document inside another is still JSON, and says what was asked for.
#[test]
fn a_change_keeps_to_the_spelling() {
    let mut changed = 0;
    for (name, text, _) in sources() {
        for found in source::read(&name, &text).policies {
            let Some(version) = &found.policy.version else { continue };
            let Some(spelt) = found.spelt(&text, version.span, "\"2008-10-17\"") else { continue };
            let mut file = text.clone();
            file.replace_range(version.span.start..version.span.end, &spelt);
            let again = source::read(&name, &file);
            let same = again.policies.iter().find(|other| other.pointer == found.pointer).unwrap();
            assert_eq!(same.policy.version.as_ref().unwrap().text, "2008-10-17", "{name}\n{file}");
            changed += 1;
        }
    }
    assert!(changed >= 20, "only {changed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn never_panics(text in any::<String>(), name in "[a-z.]{0,8}") {
        let file = source::read(&name, &text);
        prop_assert!(file.fault.is_none_or(|fault| Span::new(0, text.len()).contains(fault.span)));
    }

    /// Real files with a hole, or with something else in the hole.
    #[test]
    fn never_panics_on_what_was_a_file(
        which in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(), length in 0_usize..80,
        with in "[\\[\\]{}:,\"'!&*%#|>\\\\ \n$é-]{0,6}",
    ) {
        let all = sources();
        let (name, text, _) = &all[which.index(all.len())];
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let start = from.index(places.len());
        let (start, end) = (places[start], places.get(start + length).copied().unwrap_or(text.len()));
        let mutant = format!("{}{with}{}", &text[..start], &text[end..]);
        let file = source::read(name, &mutant);
        let whole = Span::new(0, mutant.len());
        for found in &file.policies {
            each_text(&found.policy, &mut |part| {
                assert!(whole.contains(part.span), "{:?}", part.span);
                assert!(mutant.get(part.span.start..part.span.end).is_some(), "{:?}", part.span);
            });
        }
        if let Some(fault) = file.fault {
            assert!(whole.contains(fault.span), "{:?}", fault.span);
        }
    }
}

fn sources() -> Vec<(String, String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/sources");
    let mut found = Vec::new();
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let mut files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let input = files.find(|path| path.file_name().is_some_and(|name| name != "expected.txt")).unwrap();
        let name = input.file_name().unwrap().to_str().unwrap().to_owned();
        found.push((name, fs::read_to_string(&input).unwrap(), folder.join("expected.txt")));
    }
    found.sort();
    found
}

fn shown(text: &str, file: &File) -> String {
    let lines = Lines::new(text);
    let place = |span: Span| {
        let (line, column) = lines.place(span.start);
        format!("{line}:{column}")
    };
    let mut out = format!("{:?}\n", file.format);
    if let Some(fault) = &file.fault {
        let _ = writeln!(out, "fault {} {}", place(fault.span), fault.slip);
    }
    let role = |out: &mut String, role: &Option<Role>| {
        let Some(role) = role else { return };
        let _ = write!(out, "  role {} at {}", role.name, place(role.span));
        if let Some(arn) = &role.arn {
            let _ = write!(out, ", {arn}");
        }
        if let Some(seconds) = role.max_session_duration {
            let _ = write!(out, ", {seconds} s");
        }
        for attached in &role.attached {
            let _ = write!(out, ", {} at {}", attached.text, place(attached.span));
        }
        out.push('\n');
    };
    for provider in &file.providers {
        let _ = write!(out, "\nprovider {} at {}", provider.url.text, place(provider.url.span));
        for text in provider.client_ids.iter().chain(&provider.thumbprints) {
            let _ = write!(out, ", {} at {}", text.text, place(text.span));
        }
        out.push('\n');
    }
    for found in &file.policies {
        let _ = writeln!(out, "\npolicy {:?}: {:?}, {} characters", found.pointer, found.spelling, found.length);
        role(&mut out, &found.role);
        if let Some(fault) = &found.fault {
            let _ = writeln!(out, "  fault {} {}", place(fault.span), fault.slip);
        }
        each_text(&found.policy, &mut |part| {
            let raw: String = text[part.span.start..part.span.end].escape_debug().collect();
            let spelling = if raw == part.text { String::new() } else { format!(" from {raw}") };
            let pointer = found.pointer_of(part.span);
            let within = pointer.strip_prefix(found.pointer.as_str()).unwrap();
            let _ = writeln!(out, "  {} {within} {}{spelling}", place(part.span), part.text);
        });
        for refusal in &found.policy.refusals {
            let _ = writeln!(out, "  {} refused: {:?}", place(refusal.span), refusal.kind);
        }
    }
    for unread in &file.unread {
        let _ = write!(out, "\nunread {:?} at {}: ", unread.pointer, place(unread.span));
        let _ = match &unread.why {
            Why::Fault(fault) => writeln!(out, "{} {}", place(fault.span), fault.slip),
            Why::NotYetKnown => writeln!(out, "not yet known"),
        };
        role(&mut out, &unread.role);
    }
    out
}

fn each_text(policy: &TrustPolicy, take: &mut dyn FnMut(&Text)) {
    policy.version.iter().for_each(&mut *take);
    for statement in &policy.statements {
        statement.sid.iter().for_each(&mut *take);
        statement.principals.items.iter().for_each(|principal| take(&principal.value));
        statement.actions.patterns.iter().for_each(&mut *take);
        for condition in &statement.conditions {
            take(&condition.operator_name);
            take(&condition.key);
            condition.values.iter().for_each(&mut *take);
        }
    }
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(truth) => (*truth).into(),
        Kind::Number(number) => serde_json::from_str(number).unwrap(),
        Kind::Text(text) => text.as_str().into(),
        Kind::List(items) => items.iter().map(value).collect(),
        Kind::Object(members) => {
            Value::Object(members.iter().map(|member| (member.name.clone(), value(&member.value))).collect())
        }
    }
}
