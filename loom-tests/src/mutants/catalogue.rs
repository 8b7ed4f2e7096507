//! The bug catalogue, `BUGS.md`: which row has which mutants.

/// A row of a table in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `C7`, `R5`...
    pub id: String,
    /// The heading that it stands below.
    pub section: String,
    /// What is wrong.
    pub bug: String,
    /// What a checker must say of it.
    pub verdict: String,
    /// The smallest level that can show it: `L`, `S`, `D` or `B`.
    pub tool: String,
    /// File names of its mutants; empty for a row of later work.
    pub mutants: Vec<String>,
}

/// Reads the tables of the catalogue: rows of five cells whose first is an id and whose last lists files.
pub fn read_catalogue(text: &str) -> Vec<Row> {
    let mut section = String::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.trim().clone_into(&mut section);
        }
        rows.extend(read_row(line, &section));
    }
    rows
}

fn read_row(line: &str, section: &str) -> Option<Row> {
    let row = line.strip_prefix("| ")?.strip_suffix('|')?;
    let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
    let [id, bug, verdict, tool, mutants] = cells.as_slice() else { return None };
    let files = mutants.split(['`', ',', ' ']).filter(|word| word.ends_with(".patch"));
    is_id(id).then(|| Row {
        id: (*id).to_owned(),
        section: section.to_owned(),
        bug: (*bug).to_owned(),
        verdict: (*verdict).to_owned(),
        tool: (*tool).to_owned(),
        mutants: files.map(str::to_owned).collect(),
    })
}

/// A capital letter and then a number: `S2b` and `C17` are, `id` and `---` are not.
fn is_id(cell: &str) -> bool {
    let mut letters = cell.chars();
    letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.next().is_some_and(|second| second.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_their_mutants_are_read() {
        let text = "## Positions\n| id | bug | verdict | tool | mutant |\n|---|---|---|---|---|\n\
            | C7 | it regresses | monotonic | L | `C7-a.patch`, `C7b-b.patch` |\n| H1 | later | one | S | |\n";
        let row = |id: &str, bug: &str, verdict: &str, tool: &str, mutants: &[&str]| Row {
            id: id.to_owned(),
            section: "Positions".to_owned(),
            bug: bug.to_owned(),
            verdict: verdict.to_owned(),
            tool: tool.to_owned(),
            mutants: mutants.iter().map(|file| (*file).to_owned()).collect(),
        };
        assert_eq!(
            read_catalogue(text),
            [
                row("C7", "it regresses", "monotonic", "L", &["C7-a.patch", "C7b-b.patch"]),
                row("H1", "later", "one", "S", &[])
            ]
        );
    }
}
