//! The bug catalogue, `BUGS.md`: which row has which mutants.

/// A row of a table in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `C7`, `R5`...
    pub id: String,
    /// File names of its mutants; empty for a row of later work.
    pub mutants: Vec<String>,
}

/// Reads the tables of the catalogue: rows whose first cell is an id and whose last cell lists files.
pub fn read_catalogue(text: &str) -> Vec<Row> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let id = cells.first().filter(|id| is_id(id))?.to_string();
        let files = cells.last()?.split(['`', ',', ' ']).filter(|word| word.ends_with(".patch"));
        Some(Row { id, mutants: files.map(str::to_owned).collect() })
    })
    .collect()
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
        let text = "| id | bug | mutant |\n|---|---|---|\n| C7 | it regresses | `C7-a.patch`, `C7b-b.patch` |\n| H1 | later | |\n";
        let row = |id: &str, mutants: &[&str]| Row {
            id: id.to_owned(),
            mutants: mutants.iter().map(|file| (*file).to_owned()).collect(),
        };
        assert_eq!(read_catalogue(text), [row("C7", &["C7-a.patch", "C7b-b.patch"]), row("H1", &[])]);
    }
}
