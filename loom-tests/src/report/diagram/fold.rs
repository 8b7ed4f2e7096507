//! Leaves out of a long execution what explains nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::super::trace::Trace;
use super::{Kind, Line, Row};

/// A diagram of so many rows is drawn as it is.
const SHORT: usize = 26;
/// The end is always drawn: so many rows.
const END: usize = 14;
/// So many of the last rows at each lock that somebody is stuck at.
const AT_A_LOCK: usize = 6;
/// Fewer rows than this in a row are not worth leaving out.
const WORTH_IT: usize = 3;

/// The rows, or a line in place of several.
pub(super) fn fold(trace: &Trace, rows: Vec<Row>) -> Vec<Line> {
    if rows.len() <= SHORT {
        return rows.into_iter().map(Line::Row).collect();
    }
    let kept = telling(trace, &rows);
    let mut lines = Vec::new();
    let mut left_out: Vec<Row> = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        if kept.contains(&at) {
            close(&mut lines, &mut left_out);
            lines.push(Line::Row(row));
        } else {
            left_out.push(row);
        }
    }
    close(&mut lines, &mut left_out);
    lines
}

/// Puts one line for the rows that are left out, or the rows if they are few.
fn close(lines: &mut Vec<Line>, left_out: &mut Vec<Row>) {
    let rows = std::mem::take(left_out);
    if rows.len() < WORTH_IT {
        lines.extend(rows.into_iter().map(Line::Row));
    } else {
        let threads: BTreeSet<usize> = rows.iter().map(|row| row.thread).collect();
        lines.push(Line::Folded { rows: rows.len(), threads: threads.into_iter().collect() });
    }
}

/// Rows that a reader needs: how threads begin and end, what is held at the end and since when, the last that happened to what somebody is
/// stuck at, and the end.
fn telling(trace: &Trace, rows: &[Row]) -> BTreeSet<usize> {
    let mut kept: BTreeSet<usize> = (rows.len().saturating_sub(END)..rows.len()).collect();
    let mut last_of_thread = BTreeMap::new();
    let mut held: BTreeMap<(usize, usize), usize> = BTreeMap::new(); // by thread and object
    for (at, row) in rows.iter().enumerate() {
        last_of_thread.insert(row.thread, at);
        match (row.kind, row.object) {
            (Kind::Spawns(_), _) => {
                kept.insert(at);
            }
            (Kind::Takes, Some(object)) => {
                held.insert((row.thread, object), at);
            }
            (Kind::Gives, Some(object)) => {
                held.remove(&(row.thread, object));
            }
            _ => {}
        }
    }
    kept.extend(last_of_thread.into_values());
    kept.extend(held.into_values());
    for place in trace.blocked.iter().filter_map(|blocked| blocked.place.as_ref()) {
        let at_it = (0..rows.len()).rev().filter(|at| rows[*at].object == Some(place.object));
        kept.extend(at_it.take(AT_A_LOCK));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::rows::{rows, tests::trace};
    use super::*;

    fn sections(count: usize) -> Vec<(usize, &'static str, usize)> {
        (0..count).flat_map(|_| ["requested", "acquired", "released"].map(|word| (1, word, 0))).collect()
    }

    #[test]
    fn what_is_short_is_left_as_it_is() {
        let trace = trace(&sections(SHORT));
        assert_eq!(fold(&trace, rows(&trace)).len(), SHORT);
    }

    #[test]
    fn a_long_middle_is_one_line_and_what_is_held_at_the_end_is_seen() {
        let mut steps = vec![(0, "spawned", 1), (1, "requested", 7), (1, "acquired", 7)];
        steps.extend(sections(100));
        let trace = trace(&steps);
        let lines = fold(&trace, rows(&trace));
        assert_eq!(lines.len(), 2 + 1 + END);
        assert!(matches!(&lines[1], Line::Row(row) if row.object == Some(7)), "the lock that is held");
        assert_eq!(lines[2], Line::Folded { rows: 100 - END, threads: vec![1] });
    }
}
