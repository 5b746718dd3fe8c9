//! Texts that look random, made from a seed: the same seed makes the same texts.

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8] = b"0123456789abcdef";

/// Good enough for credentials that open nothing.
pub(super) struct Random(fastrand::Rng);

impl Random {
    /// Any text is a seed.
    pub(super) fn new(seed: &str) -> Self {
        // FNV-1a, since the generator takes no more than 64 bits.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(fastrand::Rng::with_seed(seed.bytes().fold(0xcbf2_9ce4_8422_2325, mix)))
    }

    pub(super) fn base32(&mut self, length: usize) -> String {
        self.text(BASE32, length)
    }

    pub(super) fn base64(&mut self, length: usize) -> String {
        self.text(BASE64, length)
    }

    /// Version 4. <https://datatracker.ietf.org/doc/html/rfc9562#section-5.4>
    pub(super) fn uuid(&mut self) -> String {
        let (start, end) = (self.text(HEX, 8), self.text(HEX, 12));
        let (middle, version, variant) = (self.text(HEX, 4), self.text(HEX, 3), self.text(b"89ab", 1));
        format!("{start}-{middle}-4{version}-{variant}{}-{end}", self.text(HEX, 3))
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).filter_map(|_| self.0.choice(alphabet)).map(|byte| char::from(*byte)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_text() {
        let uuid = Random::new("aa").uuid();
        assert_eq!(uuid, Random::new("aa").uuid());
        assert_ne!(uuid, Random::new("ab").uuid());
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'4');
    }
}
