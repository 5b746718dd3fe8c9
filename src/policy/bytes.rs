//! Bytes looked at eight at a time: one by one, those of a dump of 25 MB would be most of what an audit of it costs.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// How many of the bytes are one of these.
#[must_use]
pub(super) fn count_of<const N: usize>(text: &str, wanted: [u8; N]) -> usize {
    let in_word = |word: u64| wanted.iter().map(|byte| equal(word, *byte).count_ones() as usize).sum::<usize>();
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut count = rest.iter().filter(|byte| wanted.contains(byte)).count();
    for word in words {
        count += in_word(u64::from_le_bytes(*word));
    }
    count
}

/// Where the byte stands.
#[must_use]
pub(super) fn places_of(text: &str, wanted: u8) -> Vec<usize> {
    let mut places = Vec::new();
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let mut found = equal(u64::from_le_bytes(*word), wanted);
        while found != 0 {
            places.push(index * 8 + found.trailing_zeros() as usize / 8);
            found &= found - 1;
        }
    }
    let behind = rest.iter().enumerate().filter(|(_, byte)| **byte == wanted);
    places.extend(behind.map(|(at, _)| words.len() * 8 + at));
    places
}

/// The characters of UTF-8: all bytes but those that go on with one.
#[must_use]
pub(super) fn characters(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut count = rest.iter().filter(|byte| (**byte & 0xc0) != 0x80).count();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let further = (word & !(word << 1)) & TOPS;
        count += 8 - further.count_ones() as usize;
    }
    count
}

/// The top bit of every byte of the word that is this one.
fn equal(word: u64, byte: u8) -> u64 {
    let differing = word ^ (ONES * u64::from(byte));
    !(((differing & !TOPS) + !TOPS) | differing | !TOPS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn eight_at_a_time_are_as_one_by_one(text in "[a-c,:é😀\\n\u{80}\u{7f}]{0,80}") {
            let wanted = [b',', b':', b'a'];
            let one_by_one = text.bytes().filter(|byte| wanted.contains(byte)).count();
            prop_assert_eq!(count_of(&text, wanted), one_by_one);
            let places: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
            prop_assert_eq!(places_of(&text, b'\n'), places);
            prop_assert_eq!(characters(text.as_bytes()), text.chars().count());
        }
    }
}
