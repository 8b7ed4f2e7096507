//! The clock seam, as the coordinator wants it.

use std::time::Duration;

use crate::clock::Clock;

/// Our clock.
pub(super) struct GroupClock(pub(super) Clock);

impl chronik_group::Clock for GroupClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn sleep_until(&self, at_ms: i64) -> impl Future<Output = ()> + Send {
        let clock = self.0.clone();
        async move {
            if at_ms == i64::MAX {
                std::future::pending::<()>().await;
            }
            let left_ms = u64::try_from(at_ms.saturating_sub(clock.now_ms())).unwrap_or(0);
            clock.sleep(Duration::from_millis(left_ms)).await;
        }
    }
}
