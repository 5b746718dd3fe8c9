//! The AWS profile files: any text, edits that are read back and undone.
#![no_main]

use ci_assume_role::ini::{Ini, SectionName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for name in [SectionName::credentials("dev"), SectionName::config("dev"), SectionName::config("default")] {
        if let (Ok(name), Ok(ini)) = (name, Ini::parse(text)) {
            edit(ini, &name, text);
        }
    }
});

fn edit(mut ini: Ini, name: &SectionName, text: &str) {
    let absent = !ini.has_section(name);
    if ini.set_section(name, &[("region", "eu-west-1")]).is_err() {
        assert_eq!(ini.as_str(), text);
        return;
    }
    assert_eq!(ini.section(name), Some(vec![("region".to_owned(), "eu-west-1".to_owned())]));

    // From here on the section stands in one place, so that every change can be undone.
    let (once, before) = (ini.as_str().to_owned(), ini.section_text(name));
    if ini.set_section(name, &[]).is_ok() {
        ini.restore_section(name, before.as_deref()).expect("what was there can come back");
        assert_eq!(ini.as_str(), once);
    }
    if ini.remove_section(name).is_ok() {
        assert!(!ini.has_section(name));
        assert!(!absent || ini.as_str() == text);
    } else {
        assert!(!absent, "what was added can go");
    }
}
