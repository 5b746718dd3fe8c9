//! A clock that is wrong. AWS refuses a signature whose time is more than five minutes from its own.

use crate::time::Timestamp;

/// Closer than this, the refusal has another reason: the tolerance is five minutes
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>), and a
/// `Date` may be as old as the answer's way was long.
const LEAST_SECONDS: i64 = 4 * 60;

/// A clock that is further off is not corrected. A server that could choose any time for us could
/// collect signatures that become good on a day of its choice.
const MOST_SECONDS: i64 = 24 * 3600;

/// What to add to our clock to sign by the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockCorrection {
    /// Positive: our clock is slow.
    pub seconds: i64,
}

impl ClockCorrection {
    /// From the header `Date` of a refusal, and our time at its arrival. `None` when the header is no
    /// date, when the clocks agree to four minutes, and when they are more than a day apart: then the
    /// clock has to be set, and no retry helps.
    #[must_use]
    pub fn from_answer(date: &str, ours: Timestamp) -> Option<Self> {
        let seconds = Timestamp::parse_http(date)?.seconds_since(ours);
        (LEAST_SECONDS..=MOST_SECONDS).contains(&seconds.abs()).then_some(Self { seconds })
    }

    /// The server's time at a moment of ours, to a second.
    #[must_use]
    pub fn apply(self, ours: Timestamp) -> Timestamp {
        Timestamp::from_seconds(ours.seconds().saturating_add(self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_is_wrong_by_minutes_is_corrected() {
        let theirs = "Sun, 30 Aug 2015 12:36:00 GMT";
        let noon = |offset: i64| Timestamp::from_seconds(1_440_938_160 + offset);
        for (offset, correction) in [
            (0, None),
            (239, None),
            (-239, None),
            (240, Some(-240)),
            (-240, Some(240)),
            (86_400, Some(-86_400)),
            (-86_401, None),
            (86_401, None),
            (-1_440_938_160, None),
        ] {
            let found = ClockCorrection::from_answer(theirs, noon(offset));
            assert_eq!(found.map(|found| found.seconds), correction, "{offset}");
            if let Some(found) = found {
                assert_eq!(found.apply(noon(offset)).to_string(), "2015-08-30T12:36:00Z");
            }
        }
    }

    #[test]
    fn no_date_is_no_correction() {
        for date in ["", "now", "2015-08-30T12:36:00Z", "Sun, 30 Aug 2015 12:36:00 CET"] {
            assert_eq!(ClockCorrection::from_answer(date, Timestamp::from_seconds(0)), None, "{date}");
        }
    }
}
