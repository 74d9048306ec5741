//! SQLite's result codes in the words of [`StoreError`] (<https://www.sqlite.org/rescode.html>).

use sqlx::Error;
use sqlx::error::DatabaseError;

use crate::io::store::StoreError;

const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CONSTRAINT: i32 = 19;
const NOTADB: i32 = 26;
/// An I/O error whose cause is a file shorter than its pages say.
const IOERR_SHORT_READ: i32 = 522;

/// Says what a driver's error means for the store.
pub(super) fn fault(error: Error) -> StoreError {
    match error {
        Error::Database(inner) => database_fault(inner),
        Error::ColumnDecode { .. }
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::Decode(_) => StoreError::corrupt(error.to_string()),
        other => StoreError::Unavailable { source: other.into() },
    }
}

fn database_fault(error: Box<dyn DatabaseError>) -> StoreError {
    let code = code(error.as_ref());
    if code == IOERR_SHORT_READ {
        return StoreError::corrupt(error.message());
    }
    // The low byte is the primary code; the rest only refines it.
    match code & 0xff {
        READONLY => StoreError::ReadOnly { source: error.into_error() },
        FULL => StoreError::DiskFull { source: error.into_error() },
        CORRUPT | NOTADB => StoreError::corrupt(error.message()),
        CONSTRAINT => StoreError::Refused { rule: error.message().to_owned() },
        _ => StoreError::Unavailable { source: error.into_error() },
    }
}

fn code(error: &dyn DatabaseError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// Whether the error says that a key is taken.
pub(super) fn is_taken(error: &Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_unique_violation)
}
