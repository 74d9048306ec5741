//! Between our types and SQLite's: values, and many rows in one statement.

use sqlx::{QueryBuilder, Sqlite};

use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::io::store::StoreError;

/// Rows of one statement at most. Beyond this a longer statement saves nothing (measured in `benches/store.rs`), and
/// with 12 values a row it stays far below SQLite's 32,766 bound values.
const MAX_RUN: usize = 256;

/// Cuts rows into runs whose lengths are powers of two. A statement's text depends on its number of rows, and the
/// connection keeps compiled statements by their text: so nine texts serve every batch, and none is compiled twice.
pub(super) fn runs<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1usize << rows.len().checked_ilog2()?;
        let (run, rest) = rows.split_at(length.min(MAX_RUN));
        rows = rest;
        Some(run)
    })
}

/// A statement with many rows: `before`, a `VALUES` list with what `bind` puts in for each row, and `after`.
pub(super) fn statement<'r, T>(
    before: &'static str,
    rows: &'r [T],
    after: &'static str,
    mut bind: impl FnMut(&mut Row<'_>, &'r T),
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(before);
    query.push_values(rows, |separated, row| bind(&mut Row(separated), row));
    query.push(after);
    query
}

/// The values of one row, in the order of their binding.
pub(super) struct Row<'a>(sqlx::query_builder::Separated<'a, Sqlite, &'static str>);

impl Row<'_> {
    pub(super) fn number(&mut self, value: u64) -> &mut Self {
        self.0.push_bind(number(value));
        self
    }

    /// A key as it was read.
    pub(super) fn key(&mut self, value: i64) -> &mut Self {
        self.0.push_bind(value);
        self
    }

    pub(super) fn time(&mut self, value: Timestamp) -> &mut Self {
        self.number(value.unix_s())
    }

    pub(super) fn optional_time(&mut self, value: Option<Timestamp>) -> &mut Self {
        self.0.push_bind(value.map(time));
        self
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.0.push_bind(value);
        self
    }

    pub(super) fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        self.0.push_bind(value);
        self
    }

    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.0.push_bind(value);
        self
    }

    pub(super) fn optional_bytes(&mut self, value: Option<&[u8]>) -> &mut Self {
        self.0.push_bind(value);
        self
    }
}

/// A count as SQLite's signed integer. No count of ours gets near 2^63, and a saturated key finds nothing.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn time(value: Timestamp) -> i64 {
    number(value.unix_s())
}

pub(super) fn read_number(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::corrupt(format!("a count of {value}")))
}

pub(super) fn read_time(value: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_unix_s(read_number(value)?).map_err(|error| StoreError::corrupt(error.to_string()))
}

pub(super) fn read_digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    let digest = bytes.try_into().map(Digest);
    digest.map_err(|_| StoreError::corrupt(format!("a digest of {} bytes", bytes.len())))
}

pub(super) fn read_id(bytes: &[u8]) -> Result<ReceiptId, StoreError> {
    let id = bytes.try_into().ok().and_then(ReceiptId::from_bytes);
    id.ok_or_else(|| StoreError::corrupt("a receipt id that is not a version 7 UUID"))
}

pub(super) fn read_issuer(text: &str) -> Result<Issuer, StoreError> {
    read_text(text)
}

/// Reads any of our types from its text form.
pub(super) fn read_text<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_all_rows_in_powers_of_two() {
        let rows: Vec<u32> = (0..775).collect();
        let lengths: Vec<_> = runs(&rows).map(<[u32]>::len).collect();
        assert_eq!(lengths, [256, 256, 256, 4, 2, 1]);
        assert_eq!(runs(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        assert_eq!(runs::<u32>(&[]).count(), 0);
    }
}
