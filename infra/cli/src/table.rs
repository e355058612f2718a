//! Aligned columns.

use crate::output::Tone;

/// One field of a row.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
    right: bool,
}

impl Cell {
    /// Text, aligned to the left.
    pub(crate) fn text(text: impl ToString) -> Self {
        Self { text: text.to_string(), tone: Tone::Plain, right: false }
    }

    /// A number with its unit, aligned to the right.
    pub(crate) fn number(text: impl ToString) -> Self {
        Self { right: true, ..Self::text(text) }
    }

    /// The same in a tone.
    pub(crate) fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// Rows whose columns are as wide as their widest cell, two spaces apart.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with a heading; a column of numbers has its heading aligned as they are.
    pub(crate) fn new(heading: impl IntoIterator<Item = Cell>) -> Self {
        Self { rows: vec![heading.into_iter().map(|cell| cell.toned(Tone::Heading)).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows as lines, without a line's end after the last.
    pub(crate) fn render(&self, colour: bool) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| length(&cell.text)).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let lines = self.rows.iter().map(|row| {
            let fields = row.iter().zip(&widths).map(|(cell, width)| {
                let padding = " ".repeat(width - length(&cell.text));
                let text = cell.tone.paint(&cell.text, colour);
                if cell.right { padding + &text } else { text + &padding }
            });
            fields.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_their_colour() {
        let mut table = Table::new([Cell::text("PART"), Cell::number("PID"), Cell::text("STATE")]);
        table.row([Cell::text("order#1"), Cell::number(7), Cell::text("ready").toned(Tone::Good)]);
        table.row([Cell::text("kafka"), Cell::number(1234), Cell::text("")]);
        assert_eq!(table.render(false), "PART      PID  STATE\norder#1     7  ready\nkafka    1234");
        let coloured = table.render(true);
        assert!(coloured.contains("order#1     7  \x1b[32mready\x1b[0m"), "{coloured:?}");
    }
}
