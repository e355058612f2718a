//! The log file of a process.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// How much of a log's end is looked at, in bytes.
const WINDOW: u64 = 16 * 1024;

/// The last `lines` lines of a log, from its last 16 KiB; empty if there is no such file.
pub fn tail(log: &Path, lines: usize) -> String {
    last_bytes(log).map(|bytes| last_lines(&String::from_utf8_lossy(&bytes), lines)).unwrap_or_default()
}

fn last_bytes(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn last_lines(text: &str, lines: usize) -> String {
    let mut last: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(lines).collect();
    last.reverse();
    last.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_in_order_without_empty_ones() {
        assert_eq!(last_lines("one\ntwo\n\nthree\n", 2), "two\nthree");
        assert_eq!(last_lines("one", 5), "one");
        assert_eq!(last_lines("", 5), "");
    }

    #[test]
    fn a_log_that_is_missing_is_empty() {
        assert_eq!(tail(Path::new("/nowhere/at/all"), 3), "");
    }
}
