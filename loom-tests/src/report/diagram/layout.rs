//! Where everything goes, in pixels: numbers only, so that it can be tested.

use super::super::trace::Trace;
use super::end::Stuck;
use super::rows::thread_name;
use super::{Kind, Line};

pub(super) const HEADER: usize = 42;
const ROW: usize = 38;
const FOLD: usize = 30;
const MARGIN: usize = 14;
/// From a lifeline to what is written beside it.
pub(super) const TEXT_AT: usize = 16;
/// Width of a letter, on average and a little above.
const LETTER: usize = 7;
/// Room for a message.
const WIDTH_AT_LEAST: usize = 480;
const COLUMN_AT_LEAST: usize = 120;
/// Letters of a row; what is longer is cut, and whole in the tooltip.
pub(super) const LETTERS_AT_MOST: usize = 48;
pub(super) const BOX: usize = 62;
/// Height of the lane of one arrow below the boxes.
pub(super) const LANE: usize = 18;

/// The places of everything that is drawn.
pub(super) struct Layout {
    /// The lifelines, from the left.
    pub(super) columns: Vec<usize>,
    /// How wide each column is, from its lifeline to the next.
    pub(super) widths: Vec<usize>,
    /// The middle of each line, from the top.
    pub(super) lines: Vec<usize>,
    /// Where the lifelines end.
    pub(super) bottom: usize,
    pub(super) width: usize,
}

/// A stretch of a lifeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) thread: usize,
    pub(super) object: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: BarKind,
    /// How many other locks the thread held when it began.
    pub(super) level: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BarKind {
    Holds,
    Wants,
    Sleeps,
}

impl Layout {
    pub(super) fn of(trace: &Trace, lines: &[Line], stuck: &[Stuck]) -> Self {
        let mut widths = Vec::new();
        for thread in 0..trace.threads.len() {
            let rows = lines.iter().filter_map(|line| match line {
                Line::Row(row) if row.thread == thread => {
                    Some(row.text.len().max(row.site.len() - row.site.len() / 8))
                }
                _ => None,
            });
            let boxes = stuck.iter().filter(|stuck| stuck.thread == thread);
            let boxes = boxes.flat_map(|stuck| [stuck.wants.len(), stuck.because.len()]);
            let letters = rows.chain(boxes).chain([thread_name(trace, thread).len()]).max().unwrap_or(0);
            widths.push(COLUMN_AT_LEAST.max(TEXT_AT + 12 + LETTER * letters.min(LETTERS_AT_MOST)));
        }
        let mut columns = Vec::new();
        let mut x = MARGIN + 40;
        for width in &widths {
            columns.push(x);
            x += width;
        }
        let mut y = HEADER + 8;
        let mut middles = Vec::new();
        for line in lines {
            let height = if matches!(line, Line::Row(_)) { ROW } else { FOLD };
            middles.push(y + height / 2);
            y += height;
        }
        Self { columns, widths, lines: middles, bottom: y, width: WIDTH_AT_LEAST.max(x + MARGIN) }
    }

    /// How long each lock is held, wanted or slept on. What has no end goes on to the bottom.
    pub(super) fn bars(&self, lines: &[Line]) -> Vec<Bar> {
        let mut done = Vec::new();
        let mut open: Vec<Bar> = Vec::new();
        for (line, y) in lines.iter().zip(&self.lines) {
            let Line::Row(row) = line else { continue };
            let Some(object) = row.object else { continue };
            let ends = match row.kind {
                Kind::Takes => Some(BarKind::Wants),
                Kind::Gives => Some(BarKind::Holds),
                Kind::Wakes => Some(BarKind::Sleeps),
                _ => None,
            };
            let is_ended =
                |bar: &Bar| bar.thread == row.thread && bar.object == object && Some(bar.kind) == ends;
            if let Some(at) = open.iter().rposition(is_ended) {
                done.push(Bar { to: *y, ..open.remove(at) });
            }
            let begins = match row.kind {
                Kind::Asks => BarKind::Wants,
                Kind::Takes => BarKind::Holds,
                Kind::Sleeps => BarKind::Sleeps,
                _ => continue,
            };
            let holds = |bar: &&Bar| bar.thread == row.thread && bar.kind == BarKind::Holds;
            let level = open.iter().filter(holds).count();
            open.push(Bar { thread: row.thread, object, from: *y, to: self.bottom, kind: begins, level });
        }
        done.extend(open);
        done.sort_by_key(|bar| (bar.from, bar.level));
        done
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::{rows, tests::trace};
    use super::*;

    fn lines(steps: &[(usize, &str, usize)]) -> (Layout, Vec<Line>) {
        let trace = trace(steps);
        let lines: Vec<Line> = rows(&trace).into_iter().map(Line::Row).collect();
        (Layout::of(&trace, &lines, &[]), lines)
    }

    #[test]
    fn time_runs_down_and_columns_do_not_overlap() {
        let (layout, lines) = lines(&[(0, "spawned", 1), (1, "requested", 0), (2, "ended", 0)]);
        assert_eq!(layout.lines.len(), lines.len());
        assert!(layout.lines.windows(2).all(|pair| pair[0] < pair[1]));
        for thread in 0..2 {
            assert_eq!(layout.columns[thread] + layout.widths[thread], layout.columns[thread + 1]);
        }
        assert!(layout.bottom > *layout.lines.last().expect("three lines"));
        assert!(layout.width > *layout.columns.last().expect("three threads"));
    }

    #[test]
    fn a_lock_is_held_from_its_taking_to_its_giving_back_and_wanted_before() {
        let (layout, lines) = lines(&[
            (1, "requested", 0),
            (1, "acquired", 0),
            (2, "requested", 0),
            (1, "released", 0),
            (2, "acquired", 0),
            (2, "waiting", 1),
        ]);
        let bars = layout.bars(&lines);
        let find =
            |thread, kind| bars.iter().find(|bar| bar.thread == thread && bar.kind == kind).expect("a bar");
        let y = &layout.lines;
        assert_eq!((find(1, BarKind::Holds).from, find(1, BarKind::Holds).to), (y[0], y[2]));
        assert_eq!((find(2, BarKind::Wants).from, find(2, BarKind::Wants).to), (y[1], y[3]));
        assert_eq!((find(2, BarKind::Holds).from, find(2, BarKind::Holds).to), (y[3], layout.bottom));
        assert_eq!(find(2, BarKind::Sleeps).level, 1, "it sleeps within a lock");
    }
}
