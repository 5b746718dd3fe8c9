//! The runner's files: what we write is read back, and nothing else is; any text can be read.
#![no_main]

use ci_assume_role::ci::github::commands::{add_mask, file_entry, parse_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, Vec<(String, String)>)| {
    let (text, pairs) = input;
    let _ = parse_file(&text);
    assert!(add_mask(&text).lines().all(|line| line.starts_with("::add-mask::")));

    let mut file = String::new();
    let mut written = Vec::new();
    for (name, value) in pairs {
        if let Ok(entry) = file_entry(&name, &value, "D_1") {
            file.push_str(&entry);
            written.push((name, value));
        }
    }
    assert_eq!(parse_file(&file), Ok(written));
});
