//! A curve that becomes level, or does not: how much had been seen after how many executions.

use std::fmt::Write;

const WIDTH: usize = 150;
const HEIGHT: usize = 36;
const MARGIN: usize = 3;

/// Draws points `(executions, seen)` as a line, the number of executions to the right and what was seen upwards.
pub(super) fn draw(points: &[(u64, usize)], label: &str) -> String {
    let right = points.iter().map(|(executions, _)| *executions).max().unwrap_or(0).max(1);
    let top = points.iter().map(|(_, seen)| *seen).max().unwrap_or(0).max(1);
    let mut path = format!("M{MARGIN} {}", HEIGHT - MARGIN);
    for (executions, seen) in points {
        let x = MARGIN + scaled(*executions, right, WIDTH - 2 * MARGIN);
        let y = HEIGHT - MARGIN - scaled(*seen as u64, top as u64, HEIGHT - 2 * MARGIN);
        let _never_fails = write!(path, " L{x} {y}");
    }
    format!(
        "<svg class=\"curve\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\
         <path d=\"{path}\"/></svg>",
        super::escape::html(label)
    )
}

/// `value` of `all`, in pixels.
fn scaled(value: u64, all: u64, pixels: usize) -> usize {
    usize::try_from(value.saturating_mul(pixels as u64) / all.max(1)).unwrap_or(pixels).min(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_from_the_corner_to_the_end() {
        let svg = draw(&[(50, 5), (100, 10)], "a <b>");
        assert!(svg.contains("d=\"M3 33 L75 18 L147 3\""), "{svg}");
        assert!(svg.contains("a &lt;b&gt;"));
    }

    #[test]
    fn no_point_and_only_zeros_are_drawn_too() {
        assert!(draw(&[], "").contains("M3 33\""));
        assert!(draw(&[(0, 0)], "").contains("L3 33"));
    }
}
