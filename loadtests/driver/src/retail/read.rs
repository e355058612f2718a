//! The file as it stands: one record a line, with where and why it can't be read.

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

use contracts::{CustomerId, InvalidCustomerId};
use csv::StringRecord;
use flate2::bufread::MultiGzDecoder;
use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::price;

/// The columns that are read; others may stand beside them, in any order.
const COLUMNS: [&str; 7] =
    ["invoice", "stock_code", "description", "quantity", "invoiced_at", "unit_price", "customer_id"];

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!(version = 2, "[year]-[month]-[day]T[hour]:[minute][optional [:[second]]]");

/// Why a file of retail lines could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It could not be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A column is not there.
    #[error("line 1: column {column:?} is missing; the file has {found}")]
    MissingColumn {
        /// The column's name.
        column: &'static str,
        /// The columns that are there, with commas between them.
        found: String,
    },
    /// A field does not hold what its column should.
    #[error("line {line}: column {column:?}: {value:?} {problem}")]
    Field {
        /// The line, counted from 1 with the header.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What the field holds.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A line has too few or too many fields.
    #[error("line {line}: has {found} fields, the header has {expected}")]
    Fields {
        /// The line, counted from 1 with the header.
        line: u64,
        /// Fields it has.
        found: u64,
        /// Fields it should have.
        expected: u64,
    },
    /// A field is not UTF-8.
    #[error("line {line}: column {column:?} is not UTF-8")]
    NotUtf8 {
        /// The line, counted from 1 with the header.
        line: u64,
        /// The column's name.
        column: String,
    },
    /// The file ends in the middle of its compressed data.
    #[error("after line {line}: the gzip data ends too early; the file is truncated")]
    Truncated {
        /// The last line that was read whole.
        line: u64,
    },
    /// The compressed data or the device is broken.
    #[error("after line {line}: {source}")]
    Broken {
        /// The last line that was read whole.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// There is a header, or not even that, and nothing else.
    #[error("the file has no lines")]
    Empty,
}

/// One line, with its fields parsed and none of them judged.
pub(super) struct Line {
    pub(super) invoice: String,
    /// Trimmed and upper-cased.
    pub(super) code: String,
    pub(super) description: String,
    pub(super) quantity: i64,
    pub(super) at: PrimitiveDateTime,
    pub(super) price_pence: i64,
    pub(super) customer: Option<CustomerId>,
}

/// Reads every line of a CSV file, compressed with gzip or not.
pub(super) fn lines(path: &Path) -> Result<Vec<Line>, ReadError> {
    let opened = |source| ReadError::Open { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(opened)?);
    let compressed = file.fill_buf().map_err(opened)?.starts_with(&[0x1f, 0x8b]);
    if compressed { records(MultiGzDecoder::new(file)) } else { records(file) }
}

fn records(from: impl Read) -> Result<Vec<Line>, ReadError> {
    let mut reader = csv::Reader::from_reader(from);
    let header = reader.headers().map_err(|error| fault(error, &StringRecord::new(), 0))?.clone();
    let places = places(&header)?;
    let mut lines = Vec::new();
    let mut record = StringRecord::new();
    loop {
        let before = reader.position().line().saturating_sub(1);
        if !reader.read_record(&mut record).map_err(|error| fault(error, &header, before))? {
            break;
        }
        let number = record.position().map_or(before + 1, csv::Position::line);
        lines.push(Fields { record: &record, places: &places, line: number }.parse()?);
    }
    if lines.is_empty() { Err(ReadError::Empty) } else { Ok(lines) }
}

/// Where each of [`COLUMNS`] stands.
fn places(header: &StringRecord) -> Result<[usize; COLUMNS.len()], ReadError> {
    if header.is_empty() {
        return Err(ReadError::Empty);
    }
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = header
            .iter()
            .position(|name| name.trim() == column)
            .ok_or_else(|| ReadError::MissingColumn { column, found: header.iter().collect::<Vec<_>>().join(", ") })?;
    }
    Ok(places)
}

fn fault(error: csv::Error, header: &StringRecord, last_whole: u64) -> ReadError {
    let line = error.position().map_or(last_whole + 1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ReadError::Fields { line, found: len, expected: expected_len }
        }
        csv::ErrorKind::Utf8 { err, .. } => {
            ReadError::NotUtf8 { line, column: header.get(err.field()).unwrap_or("header").to_owned() }
        }
        csv::ErrorKind::Io(source) if source.kind() == ErrorKind::UnexpectedEof => {
            ReadError::Truncated { line: last_whole }
        }
        csv::ErrorKind::Io(source) => ReadError::Broken { line: last_whole, source },
        other => ReadError::Broken { line: last_whole, source: std::io::Error::other(format!("{other:?}")) },
    }
}

struct Fields<'a> {
    record: &'a StringRecord,
    places: &'a [usize; COLUMNS.len()],
    line: u64,
}

impl Fields<'_> {
    fn parse(&self) -> Result<Line, ReadError> {
        let [invoice, code, description, quantity, at, price, customer] = self.places.map(|at| self.record[at].trim());
        if invoice.is_empty() {
            return Err(self.wrong(0, invoice, "must not be empty"));
        }
        Ok(Line {
            invoice: invoice.to_owned(),
            code: code.to_uppercase(),
            description: description.to_owned(),
            quantity: quantity.parse().map_err(|_| self.wrong(3, quantity, "is no whole number"))?,
            at: PrimitiveDateTime::parse(at, TIME)
                .map_err(|_| self.wrong(4, at, "is no time such as 2010-12-01T08:26"))?,
            price_pence: price::pence(price).ok_or_else(|| self.wrong(5, price, "is no decimal number"))?,
            customer: optional(customer).map_err(|error| self.wrong(6, customer, &error.to_string()))?,
        })
    }

    fn wrong(&self, column: usize, value: &str, problem: &str) -> ReadError {
        ReadError::Field {
            line: self.line,
            column: COLUMNS[column],
            value: value.to_owned(),
            problem: problem.to_owned(),
        }
    }
}

fn optional(customer: &str) -> Result<Option<CustomerId>, InvalidCustomerId> {
    if customer.is_empty() { Ok(None) } else { CustomerId::try_from(customer).map(Some) }
}
