//! Columns for people: as wide as their widest cell.

/// Prints a head and rows, columns two spaces apart. What begins with a digit or is a dash stands to the right.
pub(super) fn print<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) {
    let numbers: [bool; N] = std::array::from_fn(|at| !rows.is_empty() && rows.iter().all(|row| is_number(&row[at])));
    print!("{}", aligned(head, &rows, numbers));
}

/// The lines of a table; the columns for which `right` says so stand to the right.
pub(super) fn aligned<const N: usize>(head: [&str; N], rows: &[[String; N]], right: [bool; N]) -> String {
    let widths: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.max().unwrap_or(0).max(head[at].len())
    });
    let rows = rows.iter().map(|row| std::array::from_fn(|at| row[at].as_str()));
    let lines = std::iter::once(head).chain(rows);
    lines.map(|cells| line(cells, &widths, &right) + "\n").collect()
}

fn line<const N: usize>(cells: [&str; N], widths: &[usize; N], numbers: &[bool; N]) -> String {
    let padded = (0..N).map(|at| {
        let (cell, width) = (cells[at], widths[at]);
        if numbers[at] { format!("{cell:>width$}") } else { format!("{cell:width$}") }
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn is_number(cell: &str) -> bool {
    cell == "-" || !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        assert_eq!(line(["a", "7"], &[3, 4], &[false, true]), "a       7");
        assert!(is_number("-") && is_number("12") && !is_number("") && !is_number("a1"));
    }
}
