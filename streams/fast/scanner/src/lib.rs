//! Reads events of a known form, many at once and without Python's lock: the compiled part of streams/fast.
//!
//! It knows no rule of the contract: forms are learned, judged and handed over by streams/fast/compiled.py. Nothing here
//! is unsafe, so that no event whatsoever can make it read or write beside its memory.
#![deny(unsafe_code)]

mod forms;
mod hashes;
mod records;
mod scan;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::hashes::Halves;
use crate::records::{Header, Record, records};
use crate::scan::{Bounds, Column, Content, Group, Known, Rows};
use crate::values::{Role, Shape};

/// In microseconds.
const MILLISECOND: i64 = 1000;

/// What is known of one site's events.
#[pyclass]
struct Scanner(Known);

/// Around its blanks, and which of the form's blanks stand there.
type ContentGiven = (Vec<Vec<u8>>, Vec<usize>);
/// The decompressed records of one of Kafka's batches: the batch's first offset, a timestamp, whether that is of each
/// record, how many there are, and the first offset that is wanted.
type BatchGiven<'py> = (Bound<'py, PyBytes>, i64, i64, bool, usize, i64);
/// Offset, timestamp, value and headers.
type RecordFound<'py> = (i64, i64, Option<Bound<'py, PyBytes>>, Vec<(String, Option<Bound<'py, PyBytes>>)>);
/// A column: the bytes of one array of Arrow or of several.
type ColumnFound<'py> = Vec<Bound<'py, PyBytes>>;
/// A group, the bytes of its events, their places and forms, columns by blank, their records' and contents' halves.
type RowsFound<'py> = (
    usize,
    usize,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Vec<ColumnFound<'py>>,
    Option<ColumnFound<'py>>,
    ColumnFound<'py>,
);
/// Rows, offsets, timestamps, and the records that are left.
type BatchesFound<'py> = (Vec<RowsFound<'py>>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Vec<RecordFound<'py>>);

#[pymethods]
impl Scanner {
    /// Of the site with this key; for events of at most `size` bytes with a time from `first` up to but without `end`
    /// that is at most `ahead` after the broker's, all in microseconds since 1970.
    #[new]
    fn new(key: &[u8], size: usize, first: i64, end: i64, ahead: i64) -> PyResult<Self> {
        if key.len() > 64 {
            return Err(PyValueError::new_err("a key has at most 64 bytes"));
        }
        Ok(Scanner(Known::new(key, Bounds { size, first, end, ahead })))
    }

    /// The number of a new group of forms: the shape of each blank with the bounds of a whole number, which of them is
    /// the id, and which the record, if the events have one of their own.
    fn add_group(&mut self, blanks: Vec<(String, i32, i32)>, id: usize, record: Option<usize>) -> PyResult<usize> {
        let shapes: Option<Vec<Shape>> = blanks.iter().map(|(name, least, most)| shape(name, *least, *most)).collect();
        let blanks = shapes.ok_or_else(|| PyValueError::new_err("a blank of no known shape"))?;
        self.0.add_group(Group { blanks, id, record }).ok_or_else(|| PyValueError::new_err("a group without an id"))
    }

    /// The number of a new form of a group.
    fn learn(
        &mut self,
        group: usize,
        print: Vec<Vec<u8>>,
        content: ContentGiven,
        without_record: ContentGiven,
    ) -> PyResult<usize> {
        let print: Vec<&[u8]> = print.iter().map(Vec::as_slice).collect();
        let [content, without_record] = [content, without_record].map(|(pieces, blanks)| Content { pieces, blanks });
        self.0
            .learn(group, &print, content, without_record)
            .ok_or_else(|| PyValueError::new_err("a form that does not fit its group"))
    }

    /// Reads the events of Kafka's batches: by group those that fill in a known form with values that fit, offsets and
    /// timestamps of all that have a value and no headers, and the records that are left.
    fn read_batches<'py>(&self, py: Python<'py>, batches: Vec<BatchGiven<'py>>) -> PyResult<BatchesFound<'py>> {
        let payloads: Vec<(Header, &[u8], i64)> = batches
            .iter()
            .map(|(payload, base_offset, timestamp, is_append_time, count, start)| {
                let header = Header {
                    base_offset: *base_offset,
                    timestamp: *timestamp,
                    is_append_time: *is_append_time,
                    count: *count,
                };
                (header, payload.as_bytes(), *start)
            })
            .collect();
        let known = &self.0;
        let found = py.detach(|| catch_unwind(AssertUnwindSafe(|| read_batches(known, &payloads))));
        let found = found.map_err(|_| PyRuntimeError::new_err("the scanner failed"))?;
        let (rows, bare, left) = found.ok_or_else(|| PyValueError::new_err("a batch that is none of Kafka's"))?;
        let offsets: Vec<u8> = bare.iter().flat_map(|record| record.offset.to_ne_bytes()).collect();
        let timestamps: Vec<u8> = bare.iter().flat_map(|record| record.timestamp.to_ne_bytes()).collect();
        Ok((
            rows.iter().map(|rows| handed_over(py, rows)).collect(),
            PyBytes::new(py, &offsets),
            PyBytes::new(py, &timestamps),
            left.iter().map(|record| one_by_one(py, record)).collect(),
        ))
    }

    /// Reads events, and when the broker received each; by group those that fill in a known form with values that fit,
    /// and the places of all others.
    fn read<'py>(
        &self,
        py: Python<'py>,
        events: Vec<Bound<'py, PyBytes>>,
        received: Vec<i64>,
    ) -> PyResult<(Vec<RowsFound<'py>>, Vec<usize>)> {
        let texts: Vec<&[u8]> = events.iter().map(|event| event.as_bytes()).collect();
        if texts.len() != received.len() {
            return Err(PyValueError::new_err("each event has the moment at which it was received"));
        }
        let known = &self.0;
        let found = py.detach(|| catch_unwind(AssertUnwindSafe(|| known.read(&texts, &received))));
        let (rows, rest) = found.map_err(|_| PyRuntimeError::new_err("the scanner failed"))?;
        Ok((rows.iter().map(|rows| handed_over(py, rows)).collect(), rest))
    }
}

/// Rows, all records that have a value and no headers, and those of all records that are in no row.
type Read<'a> = (Vec<Rows>, Vec<Record<'a>>, Vec<Record<'a>>);

fn read_batches<'a>(known: &Known, batches: &[(Header, &'a [u8], i64)]) -> Option<Read<'a>> {
    let mut all = Vec::new();
    for (header, payload, start) in batches {
        records(header, payload, *start, &mut all)?;
    }
    let (bare, mut left): (Vec<Record>, Vec<Record>) =
        all.into_iter().partition(|record| record.value.is_some() && record.headers.is_empty());
    let events: Vec<&[u8]> = bare.iter().filter_map(|record| record.value).collect();
    let received: Vec<i64> = bare.iter().map(|record| record.timestamp.saturating_mul(MILLISECOND)).collect();
    let (rows, rest) = known.read(&events, &received);
    left.extend(rest.iter().map(|place| bare[*place].clone()));
    left.sort_by_key(|record| record.offset);
    Some((rows, bare, left))
}

fn one_by_one<'py>(py: Python<'py>, record: &Record) -> RecordFound<'py> {
    let bytes = |value: Option<&[u8]>| value.map(|value| PyBytes::new(py, value));
    let headers =
        record.headers.iter().map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), bytes(*value)));
    (record.offset, record.timestamp, bytes(record.value), headers.collect())
}

fn shape(name: &str, least: i32, most: i32) -> Option<Shape> {
    Some(match name {
        "id" => Shape::Code(Role::Id),
        "subject" => Shape::Code(Role::Subject),
        "record" => Shape::Code(Role::Record),
        "mother" => Shape::Code(Role::Mother),
        "scan" => Shape::Code(Role::Scan),
        "time" => Shape::Time,
        "when" => Shape::When { date_only: false },
        "date" => Shape::When { date_only: true },
        "decimal" => Shape::Decimal,
        "int" => Shape::Int { least, most },
        "unread" => Shape::Unread,
        _ => return None,
    })
}

fn handed_over<'py>(py: Python<'py>, rows: &Rows) -> RowsFound<'py> {
    let bytes = |column: &[u8]| PyBytes::new(py, column);
    let halves = |found: &Halves| vec![bytes(&found.high), bytes(&found.low)];
    let column = |found: &Column| match found {
        Column::Codes(codes) => halves(codes),
        Column::Times(column) | Column::Ints(column) => vec![bytes(column)],
        Column::Whens(column, precisions) => vec![bytes(column), bytes(precisions)],
        Column::Decimals(column, ends, texts) => vec![bytes(column), bytes(ends), bytes(texts)],
        Column::Unread => Vec::new(),
    };
    (
        rows.group,
        rows.size,
        bytes(&rows.places),
        bytes(&rows.forms),
        rows.columns.iter().map(column).collect(),
        rows.records.as_ref().map(halves),
        halves(&rows.contents),
    )
}

#[pymodule]
fn b12_scanner(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Scanner>()
}
