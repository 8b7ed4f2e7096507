//! What happens when nothing happens.

use chronik_kafka::Str;

use super::{Group, Initial, NEVER, Phase, Turn};
use crate::limits;

impl Group {
    /// Does what is due.
    pub(super) fn run_timers(&mut self, turn: &mut Turn<'_>) {
        for _ in 0..limits::MAX_DEADLINES_PER_TURN {
            if self.wake_at_ms > turn.now_ms {
                return;
            }
            self.expire_members(turn);
            self.end_preparing(turn);
            self.expire_unsynced(turn);
            self.wake_at_ms = self.next_deadline();
        }
    }

    fn next_deadline(&self) -> i64 {
        let phase = match self.phase {
            Phase::Preparing { deadline_ms, .. } => deadline_ms,
            _ => NEVER,
        };
        let unsynced = self.unsynced.as_ref().filter(|unsynced| !unsynced.members.is_empty());
        let members = self.members.iter().filter_map(|member| member.expires_at_ms());
        let others = [phase, unsynced.map_or(NEVER, |unsynced| unsynced.deadline_ms)];
        members.chain(self.pending.values().copied()).chain(others).min().unwrap_or(NEVER)
    }

    /// The time for members to join is up; the first time, it is extended as long as members come (`InitialDelayedJoin`).
    fn end_preparing(&mut self, turn: &mut Turn<'_>) {
        let now_ms = turn.now_ms;
        let Phase::Preparing { deadline_ms, initial } = &mut self.phase else { return };
        if *deadline_ms > now_ms {
            return;
        }
        if let Some(Initial { delay_ms, remaining_ms, somebody_came }) = initial
            && *somebody_came
            && *remaining_ms > 0
        {
            let longer_ms = turn.config.initial_rebalance_delay_ms.min(*remaining_ms);
            *remaining_ms = (*remaining_ms - *delay_ms).max(0);
            *delay_ms = longer_ms;
            *somebody_came = false;
            *deadline_ms = now_ms + longer_ms;
            return;
        }
        self.complete(turn);
    }

    /// Members that joined and never asked for their assignment: they would keep their partitions from everybody.
    fn expire_unsynced(&mut self, turn: &mut Turn<'_>) {
        let due = self.unsynced.as_ref().filter(|unsynced| unsynced.deadline_ms <= turn.now_ms);
        let Some(missing) = due.map(|unsynced| unsynced.members.iter().cloned().collect::<Vec<Str>>()) else {
            return;
        };
        self.unsynced = None;
        if missing.is_empty() {
            return;
        }
        for id in &missing {
            tracing::info!(group = %self.id, member = %id, "did not sync in time");
            self.remove_member(turn, id);
        }
        self.rebalance(turn);
    }
}
