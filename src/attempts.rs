//! How often to ask again, and when.

use crate::diagnostic::Failure;
use crate::run::{BUDGET_MS, Run, Trouble, apart};
use crate::settings::{RetryPolicy, Settings};
use crate::sts::error::Retry;

/// Tries as often as may help.
///
/// # Errors
/// With the last trouble.
pub async fn with_retries<T>(
    run: &Run,
    settings: &Settings,
    attempt: impl AsyncFn() -> Result<T, Trouble>,
) -> Result<T, Failure> {
    let mut attempts = Attempts::new(settings.retry);
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(trouble) => apart(attempts.pause(run, trouble)).await?,
        }
    }
}

/// Counts attempts and decides about the next: full jitter from 0.5 s doubling to 8 s, never past
/// the budget.
struct Attempts {
    policy: RetryPolicy,
    made: u32,
    special: u32,
}

impl Attempts {
    fn new(policy: RetryPolicy) -> Self {
        Self { policy, made: 0, special: 0 }
    }

    /// Waits for the next attempt, if there is one.
    async fn pause(&mut self, run: &Run, trouble: Trouble) -> Result<(), Failure> {
        let Some(pause_ms) = self.pause_before_next(run, trouble.retry) else {
            return Err(trouble.into());
        };
        run.say(&format!(
            "  attempt {} failed: {}; the next one follows in {pause_ms} ms",
            self.made, trouble.diagnostic.headline
        ));
        Ok(run.sleep(pause_ms).await?)
    }

    fn pause_before_next(&mut self, run: &Run, retry: Retry) -> Option<u64> {
        self.made += 1;
        if self.made >= self.policy.max_attempts {
            return None;
        }
        let pause_ms = match retry {
            Retry::Never => return None,
            Retry::Yes => {
                let ceiling = 500_u32 << (self.made - 1).min(4);
                u64::from(run.channel.random_below(ceiling.min(8_000)))
            }
            // Worth one more try in all.
            Retry::FreshToken | Retry::OnceAfterDelay => {
                self.special += 1;
                if self.special > 1 {
                    return None;
                }
                if retry == Retry::FreshToken { 0 } else { 5_000 }
            }
        };
        (run.channel.elapsed_ms() + pause_ms < BUDGET_MS).then_some(pause_ms)
    }
}
