//! Draws a diagram as inline SVG. Colours come from the page, by class.

use std::fmt::Write;

use super::super::escape::html;
use super::super::trace::Trace;
use super::end::{Stuck, stuck};
use super::fold::fold;
use super::layout::{BOX, Bar, BarKind, HEADER, LANE, LETTERS_AT_MOST, Layout, TEXT_AT};
use super::rows::{rows, thread_name};
use super::{Kind, Line, Row};

/// How many colours the page has for locks.
const COLOURS: usize = 6;

/// The diagram of a trace; of one that ends with a failed assertion, with its message.
pub(in super::super) fn draw(trace: &Trace, failed_assertion: Option<&str>) -> String {
    let lines = fold(trace, rows(trace));
    let stuck = if failed_assertion.is_some() { Vec::new() } else { stuck(trace) };
    let layout = Layout::of(trace, &lines, &stuck);
    let arrows: usize = stuck.iter().map(|stuck| stuck.on.len()).sum();
    let end = if stuck.is_empty() { 0 } else { BOX + 10 + LANE * arrows };
    let end = if failed_assertion.is_some() { 54 } else { end };
    let mut svg = Svg { text: String::new() };
    let height = layout.bottom + end + 12;
    svg.put(&format!(
        "<svg class=\"diagram\" width=\"{0}\" height=\"{height}\" viewBox=\"0 0 {0} {height}\" role=\"img\" aria-label=\"{1}\">",
        layout.width,
        html(&format!("Execution {} of {}", trace.execution, trace.scenario)),
    ));
    svg.lifelines(trace, &layout);
    for bar in layout.bars(&lines) {
        let for_ever = bar.to == layout.bottom && stuck.iter().any(|stuck| stuck.thread == bar.thread);
        svg.bar(&layout, &bar, for_ever);
    }
    svg.wake_ups(&layout, &lines);
    for (line, y) in lines.iter().zip(&layout.lines) {
        match line {
            Line::Row(row) => svg.row(&layout, row, *y),
            Line::Folded { rows, threads } => {
                let names: Vec<String> = threads.iter().map(|thread| thread_name(trace, *thread)).collect();
                svg.folded(&layout, *y, &format!("{rows} more of {}", names.join(", ")));
            }
        }
    }
    match failed_assertion {
        Some(message) => svg.failed(&layout, message),
        None => svg.stuck(&layout, &stuck),
    }
    svg.put("</svg>");
    svg.text
}

/// A drawing that grows.
struct Svg {
    text: String,
}

impl Svg {
    fn put(&mut self, element: &str) {
        self.text.push_str(element);
        self.text.push('\n');
    }

    fn lifelines(&mut self, trace: &Trace, layout: &Layout) {
        for (thread, x) in layout.columns.iter().enumerate() {
            let name = html(&thread_name(trace, thread));
            let (left, bottom) = (x.saturating_sub(40), layout.bottom);
            self.put(&format!(
                "<line class=\"life\" x1=\"{x}\" y1=\"{HEADER}\" x2=\"{x}\" y2=\"{bottom}\"/>"
            ));
            self.put(&format!(
                "<rect class=\"head\" x=\"{left}\" y=\"8\" width=\"80\" height=\"26\" rx=\"6\"/>"
            ));
            self.put(&format!("<text class=\"name\" x=\"{x}\" y=\"26\">{name}</text>"));
        }
    }

    fn bar(&mut self, layout: &Layout, bar: &Bar, for_ever: bool) {
        let Some(x) = layout.columns.get(bar.thread) else { return };
        let colour = bar.object % COLOURS;
        let (class, width) = match bar.kind {
            BarKind::Holds => (format!("holds o{colour}"), 8),
            BarKind::Wants if for_ever => ("wants ever".to_owned(), 4),
            BarKind::Wants => ("wants".to_owned(), 4),
            BarKind::Sleeps => ("sleeps".to_owned(), 4),
        };
        let x = x + 4 * bar.level - width / 2;
        let height = (bar.to - bar.from).max(4);
        self.put(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"2\"/>",
            bar.from
        ));
    }

    fn row(&mut self, layout: &Layout, row: &Row, y: usize) {
        let Some(&x) = layout.columns.get(row.thread) else { return };
        let class = match row.kind {
            Kind::Section => "dot section",
            Kind::Asks => "dot asks",
            Kind::Takes => "dot takes",
            Kind::Gives => "dot gives",
            Kind::Sleeps => "dot asleep",
            Kind::Notifies | Kind::Wakes => "dot signal",
            Kind::Spawns(_) | Kind::Other => "dot other",
        };
        if let Kind::Spawns(other) = row.kind
            && let Some(&to) = layout.columns.get(other)
        {
            self.put(&format!("<line class=\"spawn\" x1=\"{x}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>", to - 5));
            self.put(&format!("<path class=\"spawn-tip\" d=\"M{to} {y} l-8 -4 v8 z\"/>"));
        }
        let baseline = match row.kind {
            Kind::Spawns(_) => y - 6, // above its arrow
            _ if row.site.is_empty() => y + 4,
            _ => y - 2,
        };
        let text_x = x + TEXT_AT;
        self.put(&format!("<g><title>{}</title>", html(&format!("{} {}", row.text, row.site))));
        self.put(&format!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"4\"/>"));
        self.put(&format!("<text x=\"{text_x}\" y=\"{baseline}\">{}</text>", html(&cut(&row.text))));
        if !row.site.is_empty() {
            self.put(&format!(
                "<text class=\"site\" x=\"{text_x}\" y=\"{}\">{}</text>",
                y + 12,
                html(&cut(&row.site))
            ));
        }
        self.put("</g>");
    }

    fn folded(&mut self, layout: &Layout, y: usize, text: &str) {
        let (middle, width) = (layout.width / 2, layout.width - 28);
        self.put(&format!(
            "<rect class=\"fold\" x=\"14\" y=\"{}\" width=\"{width}\" height=\"20\" rx=\"4\"/>",
            y - 10
        ));
        self.put(&format!("<text class=\"folded\" x=\"{middle}\" y=\"{}\">⋯ {}</text>", y + 4, html(text)));
    }

    /// From who wakes to who is awake, where both are drawn.
    fn wake_ups(&mut self, layout: &Layout, lines: &[Line]) {
        for (at, line) in lines.iter().enumerate() {
            let Line::Row(woken) = line else { continue };
            if woken.kind != Kind::Wakes {
                continue;
            }
            let by = lines[..at].iter().zip(&layout.lines).rev().find_map(|(line, y)| match line {
                Line::Row(row) if row.kind == Kind::Notifies && row.object == woken.object => {
                    Some((row.thread, *y))
                }
                _ => None,
            });
            let columns = |thread: usize| layout.columns.get(thread);
            if let Some((thread, from)) = by.filter(|(thread, _)| *thread != woken.thread)
                && let (Some(x1), Some(x2)) = (columns(thread), columns(woken.thread))
            {
                let to = layout.lines[at];
                self.put(&format!(
                    "<line class=\"wake\" x1=\"{x1}\" y1=\"{from}\" x2=\"{x2}\" y2=\"{to}\"/>"
                ));
            }
        }
    }

    /// A box for each thread that is stuck, and arrows to those that it waits for.
    fn stuck(&mut self, layout: &Layout, stuck: &[Stuck]) {
        let top = layout.bottom;
        let mut lane = top + BOX + 10;
        for Stuck { thread, wants, because, on } in stuck {
            let (Some(&x), Some(&width)) = (layout.columns.get(*thread), layout.widths.get(*thread)) else {
                continue;
            };
            let left = x.saturating_sub(10);
            self.put(&format!("<g><title>{}</title>", html(&format!("{wants}: {because}"))));
            self.put(&format!(
                "<rect class=\"stuck\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{BOX}\" rx=\"6\"/>",
                width - 12
            ));
            for (text, class, down) in
                [("stuck", "stuck-head", 16), (wants, "in-box", 33), (because, "in-box because", 50)]
            {
                self.put(&format!(
                    "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
                    x,
                    top + down,
                    html(&cut(text))
                ));
            }
            self.put("</g>");
            for other in on {
                self.arrow(layout, *thread, *other, top + BOX, lane);
                lane += LANE;
            }
        }
    }

    fn arrow(&mut self, layout: &Layout, from: usize, to: usize, top: usize, lane: usize) {
        let (Some(&x1), Some(&x2)) = (layout.columns.get(from), layout.columns.get(to)) else { return };
        let (x1, x2) = if from == to { (x1 + 10, x1 + 60) } else { (x1 + 22 + 6 * to, x2 + 22 + 6 * from) };
        let below = top + 2;
        self.put(&format!("<path class=\"blocks\" d=\"M{x1} {top} V{lane} H{x2} V{below}\"/>"));
        self.put(&format!("<path class=\"blocks-tip\" d=\"M{x2} {top} l-4 8 h8 z\"/>"));
    }

    fn failed(&mut self, layout: &Layout, message: &str) {
        let (top, width) = (layout.bottom + 4, layout.width - 28);
        let letters = width / 7;
        self.put(&format!("<g><title>{}</title>", html(message)));
        self.put(&format!(
            "<rect class=\"stuck\" x=\"14\" y=\"{top}\" width=\"{width}\" height=\"46\" rx=\"6\"/>"
        ));
        self.put(&format!(
            "<text class=\"stuck-head\" x=\"26\" y=\"{}\">an assertion fails</text>",
            top + 18
        ));
        self.put(&format!(
            "<text class=\"in-box\" x=\"26\" y=\"{}\">{}</text></g>",
            top + 36,
            html(&cut_to(message, letters))
        ));
    }
}

fn cut(text: &str) -> String {
    cut_to(text, LETTERS_AT_MOST)
}

fn cut_to(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(letters.saturating_sub(1)).collect();
    let _never_fails = write!(cut, "…");
    cut
}

#[cfg(test)]
mod tests {
    use super::super::super::trace::{Blocked, Place, Why};
    use super::super::rows::tests::trace;
    use super::*;

    /// Every element that is opened is closed, and no attribute is left open.
    fn assert_well_formed(svg: &str) {
        for element in ["svg", "g", "text", "title"] {
            let opened =
                svg.matches(&format!("<{element}>")).count() + svg.matches(&format!("<{element} ")).count();
            assert_eq!(opened, svg.matches(&format!("</{element}>")).count(), "{element}: {svg}");
        }
        assert!(svg.lines().all(|line| line.matches('"').count().is_multiple_of(2)), "{svg}");
    }

    #[test]
    fn a_deadlock_shows_who_is_stuck_and_on_whom() {
        let mut trace =
            trace(&[(0, "spawned", 1), (0, "requested", 0), (0, "acquired", 0), (1, "requested", 0)]);
        let place = Place { object: 0, guards: "T<0>".to_owned(), site: "a.rs:0".to_owned() };
        trace.blocked.push(Blocked { thread: 1, why: Why::Lock(vec![0]), place: Some(place) });
        let svg = draw(&trace, None);
        assert_well_formed(&svg);
        assert!(svg.contains("main holds it since a.rs:0"), "{svg}");
        assert_eq!(svg.matches("class=\"blocks\"").count(), 1);
        assert_eq!(svg.matches("class=\"spawn\"").count(), 1);
        assert!(svg.contains("class=\"wants ever\""));
    }

    #[test]
    fn a_message_is_text_and_not_markup() {
        let svg = draw(&trace(&[(0, "ended", 0)]), Some("left: <1> & \"2\""));
        assert_well_formed(&svg);
        assert!(svg.contains("left: &lt;1&gt; &amp; &quot;2&quot;"));
    }

    #[test]
    fn what_is_long_is_cut_between_letters() {
        assert_eq!(cut_to("äöüß", 4), "äöüß");
        assert_eq!(cut_to("äöüßx", 4), "äöü…");
    }
}
