//! Kernel `isr`: committed is what every replica has that may be elected, and nobody is told so in another epoch than his own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use concurrency_models::epoch::{Fenced, Leadership, Refused, Role};
use concurrency_models::isr::{
    Acknowledgement, Appended, Assignment, Change, Isr, NotAppended, NotCommitted, NotProposed, Sent,
};
use concurrency_models::sync::Mutex;
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::turns::Turns;
use loom_tests::{check, check_sequence};

/// This node.
const ME: i32 = 1;
const FOLLOWER: i32 = 2;
const THIRD: i32 = 3;
/// Kafka's default for `replica.lag.time.max.ms`.
const MAX_LAG_MS: i64 = 30_000;

fn nodes<const N: usize>(nodes: [i32; N]) -> BTreeSet<i32> {
    BTreeSet::from(nodes)
}

/// Three replicas, each in its first life, of which `in_sync` are in sync.
fn assignment<const N: usize>(in_sync: [i32; N]) -> Assignment {
    let replicas = BTreeMap::from([(ME, 1), (FOLLOWER, 1), (THIRD, 1)]);
    Assignment { replicas, in_sync: nodes(in_sync), partition_epoch: 0 }
}

/// This node leads in epoch 1; its log is empty.
fn led<const N: usize>(in_sync: [i32; N]) -> Arc<Isr> {
    let isr = Arc::new(Isr::new(ME, 0));
    isr.lead(1, assignment(in_sync), 0, 0).expect("the first epoch");
    isr
}

fn said(replica: i32, offset: i64) -> Acknowledgement {
    Acknowledgement { replica, broker_epoch: 1, offset, at_ms: 0 }
}

/// Acknowledges in epoch 1, on a thread of its own.
fn acknowledge(isr: &Arc<Isr>, replica: i32, offset: i64) -> Running<Result<i64, Fenced>> {
    let isr = isr.clone();
    spawn(move || isr.acknowledge(1, said(replica, offset)))
}

fn append(isr: &Isr, min_in_sync: usize) -> Appended<()> {
    isr.append(1, min_in_sync, || ()).expect("this node leads")
}

/// Waits until one record is committed, on a thread of its own.
fn wait_for(isr: &Arc<Isr>, appended: Appended<()>) -> Running<Result<i64, NotCommitted>> {
    let isr = isr.clone();
    spawn(move || block_on(isr.committed(&appended, 1)))
}

#[test]
fn what_is_committed_is_on_every_in_sync_replica() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        let disks = Arc::new(Mutex::new(BTreeSet::new()));
        let appended = append(&isr, 0);
        let replicas = [ME, FOLLOWER].map(|node| {
            let (isr, disks) = (isr.clone(), disks.clone());
            spawn(move || {
                disks.lock().insert(node);
                isr.acknowledge(1, said(node, 1))
            })
        });
        assert_eq!(block_on(isr.committed(&appended, 1)), Ok(1));
        assert_eq!(*disks.lock(), nodes([ME, FOLLOWER]), "committed, and not on every disk");
        let acknowledged = join_all(replicas);
        assert!(acknowledged.iter().all(Result::is_ok));
        acknowledged
    });
}

#[test]
fn the_high_watermark_never_goes_back() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        isr.acknowledge(1, said(ME, 2)).expect("leads");
        let acknowledges = acknowledge(&isr, FOLLOWER, 1);
        let joins = spawn({
            let isr = isr.clone();
            move || isr.apply(1, nodes([ME, FOLLOWER, THIRD]), 1) // the third has acknowledged nothing to this leader
        });
        let (earlier, later) = (isr.high_watermark(), isr.high_watermark());
        assert!(earlier <= later, "went back from {earlier} to {later}");
        let [acknowledged, joined] = join_all([acknowledges, joins]).map(|answer| answer.expect("leads"));
        assert!(joined <= 1 && acknowledged <= 1);
        let end = isr.high_watermark();
        assert!(end >= acknowledged.max(joined), "went back from {} to {end}", acknowledged.max(joined));
        (earlier, later, end)
    });
}

#[test]
fn a_replica_on_its_way_in_counts_already() {
    check(|| {
        let isr = led([ME]);
        let synced = acknowledge(&isr, ME, 1);
        let proposed = isr.propose_expand(1, FOLLOWER, 1);
        synced.join().expect("leads");
        let high_watermark = isr.high_watermark();
        match proposed {
            Ok(_) => assert_eq!(high_watermark, 0, "committed without one that may be in sync"),
            Err(refused) => {
                assert_eq!(refused, NotProposed::NotCaughtUp);
                assert_eq!(high_watermark, 1);
            }
        }
        high_watermark
    });
}

#[test]
fn a_replica_on_its_way_out_still_counts() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        isr.acknowledge(1, said(ME, 1)).expect("leads");
        let waiter = wait_for(&isr, append(&isr, 0));
        let change = isr.propose_shrink(1, MAX_LAG_MS + 1, MAX_LAG_MS).expect("the follower lags");
        assert_eq!(isr.acknowledge(1, said(ME, 1)), Ok(0), "committed without one that may be in sync");
        assert_eq!(isr.apply(1, change.in_sync.into_keys().collect(), 1), Ok(1));
        let committed = waiter.join();
        assert_eq!(committed, Ok(1));
        committed
    });
}

#[test]
fn what_this_node_syncs_counts_while_it_leads() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        let acknowledges = acknowledge(&isr, FOLLOWER, 1);
        let deposed = spawn({
            let isr = isr.clone();
            move || isr.follow(2, FOLLOWER)
        });
        let told = isr.synced(1, 0);
        assert_eq!(deposed.join(), Ok(()));
        let acknowledged = acknowledges.join();
        let high_watermark = isr.high_watermark();
        assert!(told <= high_watermark, "went back from {told} to {high_watermark}");
        assert!(high_watermark == 0 || acknowledged.is_ok(), "committed by one of two");
        assert_eq!(isr.synced(5, 0), high_watermark, "a follower commits nothing by itself");
        (acknowledged, told, high_watermark)
    });
}

#[test]
fn a_leader_is_established_when_what_was_before_it_is_committed() {
    check_sequence(|| {
        let isr = Isr::new(ME, 0);
        assert!(!isr.is_established(), "nobody leads");
        isr.lead(1, assignment([ME, FOLLOWER]), 1, 0).expect("the first epoch");
        assert_eq!((isr.synced(1, 0), isr.is_established()), (0, false));
        assert_eq!(isr.acknowledge(1, said(FOLLOWER, 1)), Ok(1));
        assert!(isr.is_established());
        isr.follow(2, FOLLOWER).expect("newer");
        assert!(!isr.is_established(), "it does not lead any more");
    });
}

#[test]
fn an_older_in_sync_set_changes_nothing() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        let appliers = [(nodes([ME]), 2), (nodes([ME, FOLLOWER, THIRD]), 1)].map(|(in_sync, epoch)| {
            let isr = isr.clone();
            spawn(move || isr.apply(1, in_sync, epoch))
        });
        let applied = join_all(appliers);
        assert!(applied.iter().all(Result::is_ok));
        let in_sync = isr.in_sync();
        assert_eq!(in_sync, nodes([ME]), "an older set has replaced a newer");
        (applied, in_sync)
    });
}

#[test]
fn nothing_is_appended_after_a_shrink_that_forbids_it() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        let order = Arc::new(Mutex::new(Vec::new()));
        let shrink = spawn({
            let (isr, order) = (isr.clone(), order.clone());
            move || {
                isr.apply(1, nodes([ME]), 1).expect("leads");
                order.lock().push("shrunk");
            }
        });
        let appended = isr.append(1, 2, || order.lock().push("appended"));
        shrink.join();
        let accepted = appended.is_ok();
        match appended {
            Ok(_) => assert_eq!(order.lock()[0], "appended", "appended with too few in sync"),
            Err(refused) => assert_eq!(refused, NotAppended::NotEnoughReplicas { in_sync: 1 }),
        }
        accepted
    });
}

#[test]
fn nothing_is_queued_for_an_epoch_after_it() {
    check(|| {
        let isr = led([ME]);
        let queue = Arc::new(Mutex::new(Vec::new()));
        let handler = spawn({
            let (isr, queue) = (isr.clone(), queue.clone());
            move || isr.append(1, 0, || queue.lock().push("append")).map(|appended| appended.value)
        });
        assert_eq!(isr.follow(2, FOLLOWER), Ok(()));
        queue.lock().push("truncate");
        let handled = handler.join();
        match handled {
            Ok(()) => assert_eq!(*queue.lock(), ["append", "truncate"], "what was deposed comes last"),
            Err(refused) => {
                assert_eq!(refused, NotAppended::NotLeader(Leadership::follower(2, FOLLOWER)));
                assert_eq!(*queue.lock(), ["truncate"]);
            }
        }
        handled
    });
}

#[test]
fn the_truncation_comes_before_what_the_new_leader_sends() {
    check(|| {
        let isr = Arc::new(Isr::new(ME, 0));
        isr.follow(1, FOLLOWER).expect("the first epoch");
        let turns = Turns::new(Vec::new());
        let carry_out = {
            let isr = isr.clone();
            move |log: &mut Vec<_>, sent| log.extend(isr.in_turn(sent))
        };
        let receiver = spawn({
            let (turns, carry_out) = (turns.clone(), carry_out.clone());
            move || {
                turns.queue(Sent::new(Leadership::follower(1, FOLLOWER), "of the deposed"));
                turns.take(carry_out, |_| ());
            }
        });
        isr.follow(2, THIRD).expect("newer");
        for sent in ["truncate", "append"] {
            turns.queue(Sent::new(Leadership::follower(2, THIRD), sent));
        }
        turns.take(carry_out, |_| ());
        receiver.join();
        let log = turns.read(Clone::clone);
        let of_the_new: &[_] = if log[0] == "of the deposed" { &log[1..] } else { &log };
        assert_eq!(of_the_new, ["truncate", "append"], "written behind the truncation of the new leader");
        log
    });
}

#[test]
fn an_acknowledgement_of_an_older_epoch_changes_nothing() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        let late = acknowledge(&isr, FOLLOWER, 1);
        isr.lead(2, assignment([ME, FOLLOWER]), 0, 0).expect("newer");
        isr.acknowledge(2, said(ME, 1)).expect("leads");
        let late = late.join();
        assert_eq!(isr.high_watermark(), 0, "committed by what was said in epoch 1");
        assert!(late == Ok(0) || late == Err(Fenced { current: Leadership::leader(2) }));
        late
    });
}

#[test]
fn what_a_former_life_acknowledges_changes_nothing() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        isr.acknowledge(1, said(ME, 1)).expect("leads");
        let late = acknowledge(&isr, FOLLOWER, 1);
        let before = isr.restarted(1, FOLLOWER, 2).expect("leads");
        late.join().expect("leads");
        assert_eq!(isr.high_watermark(), before, "committed by a life that is over");
        before
    });
}

#[test]
fn what_a_former_life_had_acknowledged_counts_no_more() {
    check_sequence(|| {
        let isr = led([ME, FOLLOWER]);
        isr.acknowledge(1, said(FOLLOWER, 1)).expect("leads");
        assert_eq!(isr.restarted(1, FOLLOWER, 2), Ok(0));
        assert_eq!(isr.acknowledge(1, said(ME, 1)), Ok(0), "committed by a disk that may have lost it");
        assert_eq!(isr.restarted(1, FOLLOWER, 1), Ok(0), "back into a former life");
        let again = Acknowledgement { broker_epoch: 2, ..said(FOLLOWER, 1) };
        let counted = isr.acknowledge(1, again);
        assert_eq!(counted, Ok(1));
        counted
    });
}

#[test]
fn one_change_is_on_its_way_at_a_time() {
    check(|| {
        let isr = led([ME]);
        let proposers = [FOLLOWER, THIRD].map(|node| {
            let isr = isr.clone();
            spawn(move || isr.propose_expand(1, node, 1))
        });
        let proposed = join_all(proposers);
        let refused = proposed.iter().filter(|change| **change == Err(NotProposed::InFlight)).count();
        assert_eq!(refused, 1, "two changes rest on one partition epoch");
        let change = proposed.into_iter().find_map(Result::ok).expect("the other");
        assert_eq!(isr.acknowledge(1, said(ME, 1)), Ok(0));
        let other = Change { partition_epoch: 5, ..change.clone() };
        assert_eq!(isr.withdraw(&other), Ok(0), "another change was withdrawn");
        assert_eq!(isr.withdraw(&change), Ok(1));
        change.in_sync
    });
}

#[test]
fn a_commit_ends_the_change_that_was_on_its_way() {
    check_sequence(|| {
        let isr = led([ME]);
        isr.propose_expand(1, THIRD, 1).expect("caught up");
        assert_eq!(isr.acknowledge(1, said(ME, 1)), Ok(0));
        assert_eq!(isr.apply(1, nodes([ME]), 1), Ok(1), "what can never be committed still counts");
        let proposed = isr.propose_expand(1, THIRD, 1);
        assert_eq!(proposed, Err(NotProposed::NotCaughtUp));
        proposed
    });
}

#[test]
fn too_few_after_the_append_is_said() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        let waiter = wait_for(&isr, append(&isr, 2));
        isr.apply(1, nodes([ME]), 1).expect("leads");
        isr.acknowledge(1, said(ME, 1)).expect("leads");
        let committed = waiter.join();
        assert_eq!(committed, Err(NotCommitted::NotEnoughReplicasAfterAppend { in_sync: 1 }));
        committed
    });
}

#[test]
fn a_change_of_leader_reaches_everyone_who_waits() {
    check(|| {
        let isr = led([ME, FOLLOWER]);
        let producer = wait_for(&isr, append(&isr, 0));
        let consumer = spawn({
            let isr = isr.clone();
            move || block_on(isr.readable_to(Leadership::leader(1), 1))
        });
        let next = Leadership::follower(2, FOLLOWER);
        isr.follow(2, FOLLOWER).expect("newer");
        let (committed, readable) = (producer.join(), consumer.join());
        assert_eq!(committed, Err(NotCommitted::NotLeader(next)));
        assert_eq!(readable, Err(Fenced { current: next }));
        (committed, readable)
    });
}

#[test]
fn a_produce_a_leader_change_and_a_shutdown_leave_nobody_waiting() {
    check(|| {
        let isr = led([ME]);
        let producer = spawn({
            let isr = isr.clone();
            move || {
                let appended = isr.append(1, 1, || ()).map_err(|_| ())?;
                let _fenced = isr.acknowledge(1, said(ME, 1));
                block_on(isr.committed(&appended, 1)).map_err(|_| ())
            }
        });
        let shutdown = spawn({
            let isr = isr.clone();
            move || isr.close()
        });
        let change = isr.follow(2, FOLLOWER);
        shutdown.join();
        let (answer, high_watermark) = (producer.join(), isr.high_watermark());
        assert!(answer.is_err() || high_watermark == 1, "acknowledged at {high_watermark}");
        assert_eq!(
            isr.leadership(),
            Leadership { epoch: if change.is_ok() { 2 } else { 1 }, role: Role::Offline }
        );
        assert_eq!(isr.lead(3, assignment([ME]), 0, 0), Err(Refused::Closed));
        assert_eq!(isr.waiting(), 0);
        (answer, high_watermark, change)
    });
}

#[test]
fn a_follower_lets_read_what_its_leader_has_committed() {
    check(|| {
        let isr = Arc::new(Isr::new(ME, 0));
        isr.follow(1, FOLLOWER).expect("the first epoch");
        let follows = Leadership::follower(1, FOLLOWER);
        let consumer = spawn({
            let isr = isr.clone();
            move || block_on(isr.readable_to(follows, 1))
        });
        assert_eq!(isr.learn(follows, 2), Ok(2));
        assert_eq!(isr.learn(follows, 1), Ok(2), "went back");
        let readable = consumer.join();
        assert_eq!(readable, Ok(2));
        assert_eq!(isr.in_sync(), nodes([]));
        readable
    });
}

#[test]
fn who_lags_is_a_question_of_time_alone() {
    check_sequence(|| {
        let shrunk_at = |at_ms: i64, events: &[Acknowledgement]| {
            let isr = led([ME, FOLLOWER]);
            events.iter().for_each(|event| assert!(isr.acknowledge(1, *event).is_ok()));
            isr.propose_shrink(1, at_ms, MAX_LAG_MS).map(|change| change.in_sync)
        };
        let at = |replica, offset, at_ms| Acknowledgement { at_ms, ..said(replica, offset) };
        let only_me = Ok(BTreeMap::from([(ME, 1)]));
        let nobody = Err(NotProposed::NoChange);
        let behind = [at(ME, 1, 0)];
        assert_eq!(shrunk_at(MAX_LAG_MS, &behind), nobody, "not longer than allowed");
        assert_eq!(shrunk_at(MAX_LAG_MS + 1, &behind), only_me);
        assert_eq!(shrunk_at(-1, &behind), nobody, "a clock that went back makes nobody late");
        let idle = [at(FOLLOWER, 0, 0)];
        assert_eq!(shrunk_at(MAX_LAG_MS * 9, &idle), nobody, "who has everything does not lag");
        let one_behind = [at(ME, 1, 0), at(FOLLOWER, 0, 90), at(ME, 2, 95), at(FOLLOWER, 1, 100)];
        assert_eq!(
            shrunk_at(MAX_LAG_MS + 90, &one_behind),
            nobody,
            "at 90 it lacked nothing of what it has now"
        );
        assert_eq!(shrunk_at(MAX_LAG_MS + 91, &one_behind), only_me);
    });
}

#[test]
fn who_joins_has_what_is_committed_and_the_start_of_the_epoch() {
    check_sequence(|| {
        let isr = Isr::new(ME, 3);
        isr.lead(1, assignment([ME]), 5, 0).expect("the first epoch");
        assert_eq!(isr.acknowledge(1, said(FOLLOWER, 4)), Ok(3));
        assert_eq!(isr.propose_expand(1, FOLLOWER, 1), Err(NotProposed::NotCaughtUp));
        assert_eq!(isr.acknowledge(1, said(FOLLOWER, 5)), Ok(3));
        assert_eq!(isr.propose_expand(1, FOLLOWER, 2), Err(NotProposed::NotAReplica));
        assert_eq!(isr.propose_expand(1, 9, 1), Err(NotProposed::NotAReplica));
        assert_eq!(isr.propose_expand(2, FOLLOWER, 1), Err(NotProposed::NotLeader));
        let change = isr.propose_expand(1, FOLLOWER, 1).expect("caught up");
        assert_eq!((change.leader_epoch, change.partition_epoch), (1, 0));
        assert_eq!(change.in_sync, BTreeMap::from([(ME, 1), (FOLLOWER, 1)]));
        change
    });
}

#[cfg(not(loom))]
#[test]
fn a_produce_that_is_given_up_leaves_no_waiter() {
    use loom_tests::run::give_up_after;
    check(|| {
        let isr = led([ME]);
        let (given_up, stays) = (append(&isr, 0), append(&isr, 0));
        let gives_up = spawn({
            let isr = isr.clone();
            move || give_up_after(1, isr.committed(&given_up, 1)).is_some()
        });
        let waiter = wait_for(&isr, stays);
        isr.acknowledge(1, said(ME, 1)).expect("leads");
        gives_up.join();
        assert_eq!(waiter.join(), Ok(1));
        assert_eq!(isr.waiting(), 0, "a produce that is gone still waits");
    });
}
