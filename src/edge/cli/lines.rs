//! Aligned lines for terminals.

use std::fmt::Write as _;

/// `label  value` lines, the values under each other. Rows without a value are left out.
pub(super) fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (label, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string does not fail.
        let _infallible = writeln!(text, "  {label:width$}  {value}");
    }
    text
}

/// Columns under a head. The last one is not padded.
pub(super) fn columns<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|title| title.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&head.map(str::to_owned)).chain(rows) {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["a".to_owned(), "approved".to_owned()], ["long".to_owned(), "x".to_owned()]];
        assert_eq!(columns(["NAME", "STATE"], &rows), "NAME  STATE\na     approved\nlong  x\n");
        assert_eq!(
            pairs(&[("a", "1".to_owned()), ("bcd", "2".to_owned()), ("e", String::new())]),
            "  a    1\n  bcd  2\n"
        );
    }
}
