//! How long one side of a connection waits for the other to send or take its next bytes.

use std::pin::pin;
use std::time::Duration;

use concurrency_models::budget::Budget;

use crate::clock::Clock;
use crate::limits;

/// With a peer that holds memory which others may want.
#[derive(Clone)]
pub struct Patience {
    /// Measures the wait.
    pub clock: Clock,
    /// Where the memory comes from.
    pub budgets: [Budget; 2],
}

/// The peer has moved nothing for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client has neither sent nor taken a byte for {}, and holds memory that others wait for or may", seconds(.0))]
pub struct Stalled(Duration);

fn seconds(waited: &Duration) -> String {
    format!("{} s", waited.as_secs())
}

impl Patience {
    /// Waits for `bytes` to move: [`limits::STALL`], or [`limits::STALL_IN_NEED`] while somebody waits for memory.
    ///
    /// # Errors
    /// They have not.
    pub async fn with<T>(&self, bytes: impl Future<Output = T>) -> Result<T, Stalled> {
        let mut bytes = pin!(bytes);
        let mut waited = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                moved = &mut bytes => return Ok(moved),
                () = self.clock.sleep(limits::STALL_LOOK) => waited += limits::STALL_LOOK,
            }
            if waited >= self.limit() {
                return Err(Stalled(waited));
            }
        }
    }

    fn limit(&self) -> Duration {
        let needed = self.budgets.iter().any(|budget| budget.waiting() > 0);
        if needed { limits::STALL_IN_NEED } else { limits::STALL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn waited(patience: &Patience) -> Duration {
        let from = patience.clock.uptime();
        patience.with(std::future::pending::<()>()).await.unwrap_err();
        patience.clock.uptime() - from
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_less_time_while_others_wait_for_its_memory() {
        let budget = Budget::new(10);
        let patience = Patience { clock: Clock::starting_at(0), budgets: [budget.clone(), Budget::new(0)] };
        let held = budget.reserve(10).await.unwrap();
        assert_eq!(waited(&patience).await, limits::STALL);
        let mut in_line = pin!(budget.reserve(1));
        assert!(futures_util::poll!(&mut in_line).is_pending());
        assert_eq!(waited(&patience).await, limits::STALL_IN_NEED);
        drop(held);
        assert!(in_line.await.is_ok());
        assert_eq!(patience.with(async { 7 }).await, Ok(7));
    }
}
