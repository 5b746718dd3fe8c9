//! The address at which the page that explains denials shows one. All that it is about stands behind the `#`, which
//! browsers keep to themselves.

use crate::product;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The largest policy that a link carries, in bytes. AWS's are 4,096 characters long at most, without white space; a
/// longer text has those of many roles, and the reader can give it to the page.
pub const POLICY_BYTES: usize = 24_576;

/// `question` is what `consult` asks of the policy engine, which is what the page runs. What comes of it has no
/// character that Markdown would read.
#[must_use]
pub fn of(question: &str) -> String {
    let mut link = product::site_url() + "/#s=";
    push_base64url(&mut link, &stored(question.as_bytes()));
    link
}

/// RFC 4648 section 5, without padding. The encoder of the crate that reads tokens is 2 KB, which every run would load.
fn push_base64url(out: &mut String, bytes: &[u8]) {
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            out.push(char::from(ALPHABET[bits >> (18 - 6 * digit) & 63]));
        }
    }
}

/// DEFLATE (RFC 1951) without compression, in the blocks of section 3.2.4: browsers read it, and it takes no
/// compressor, which every run would have to load.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX); // no chunk is longer
        out.push(u8::from(blocks.peek().is_none())); // BFINAL, and BTYPE 00
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    /// What the page makes of a link, by the RFC's words.
    fn question_of(link: &str) -> String {
        let start = format!("{}/#s=", product::site_url());
        let packed = URL_SAFE_NO_PAD.decode(link.strip_prefix(&start).unwrap()).unwrap();
        let mut rest = packed.as_slice();
        let mut out = Vec::new();
        let mut is_last = false;
        while let [header, a, b, c, d, tail @ ..] = rest {
            assert!(!is_last && *header <= 1, "a block of another type, or one after the last");
            let length = u16::from_le_bytes([*a, *b]);
            assert_eq!(u16::from_le_bytes([*c, *d]), !length);
            let (block, tail) = tail.split_at(length.into());
            out.extend(block);
            is_last = *header == 1;
            rest = tail;
        }
        assert!(is_last && rest.is_empty(), "it ends in the middle");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_link_holds_the_question() {
        for length in [1, 2, 3, 700, 65_534, 65_535, 65_536, 200_000] {
            let question: String = "{\"ü\u{1f600}]()*_`<".chars().cycle().take(length).collect();
            let link = of(&question);
            assert_eq!(question_of(&link), question);
            let (_, data) = link.split_once('#').unwrap();
            assert!(data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=-_".contains(&byte)));
        }
    }
}
