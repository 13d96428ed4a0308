//! What a command shows: columns as wide as their widest cell for people, objects for programs.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// One place of a table.
pub(super) enum Cell {
    Text(String),
    Number(i64),
    /// A number with its unit.
    Figure(String),
    /// There is none.
    Missing,
}

impl Cell {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Figure(text) => text.as_str().into(),
            Self::Number(number) => number.to_string().into(),
            Self::Missing => "-".into(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) | Self::Figure(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Missing => Value::Null,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Number(number as i64)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Missing, Into::into)
    }
}

/// A head and rows.
pub(super) struct Table<const N: usize> {
    head: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(head: [&'static str; N]) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lines, with columns two spaces apart; numbers and figures stand to the right.
    pub(super) fn draw(&self) -> String {
        let rows: Vec<[Cow<'_, str>; N]> =
            self.rows.iter().map(|row| std::array::from_fn(|at| row[at].text())).collect();
        let width = |at: usize| {
            let cells = rows.iter().map(|row: &[Cow<'_, str>; N]| row[at].chars().count());
            cells.max().unwrap_or(0).max(self.head[at].len())
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let right: [bool; N] = std::array::from_fn(|at| {
            !self.rows.is_empty() && self.rows.iter().all(|row| !matches!(row[at], Cell::Text(_)))
        });
        let head = self.head.map(Cow::from);
        let lines = std::iter::once(&head).chain(&rows);
        lines.map(|cells| line(cells, &widths, &right) + "\n").collect()
    }

    /// An object for each row, by the head's words.
    pub(super) fn json(&self) -> Value {
        let key = |at: usize| self.head[at].to_lowercase().replace(' ', "_");
        let object = |row: &[Cell; N]| (0..N).map(|at| (key(at), row[at].json())).collect::<Map<_, _>>();
        self.rows.iter().map(|row| Value::Object(object(row))).collect()
    }
}

fn line<const N: usize>(cells: &[Cow<'_, str>; N], widths: &[usize; N], right: &[bool; N]) -> String {
    let padded = (0..N).map(|at| {
        let (cell, width) = (&cells[at], widths[at]);
        if right[at] { format!("{cell:>width$}") } else { format!("{cell:width$}") }
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new(["NAME", "END", "LEFT OVER"]);
        table.push(["a".into(), 7.into(), Cell::Missing]);
        table.push(["long one".into(), 1234.into(), Some("x").into()]);
        table
    }

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        assert_eq!(table().draw(), "NAME       END  LEFT OVER\na            7  -\nlong one  1234  x\n");
    }

    #[test]
    fn programs_get_numbers_as_numbers_and_null_for_nothing() {
        let json = table().json().to_string();
        assert_eq!(json, r#"[{"end":7,"left_over":null,"name":"a"},{"end":1234,"left_over":"x","name":"long one"}]"#);
    }
}
