//! Evidence bundles: one file with receipts, proofs and key sets that verifies offline.
//!
//! A bundle is JSON, read strictly and written canonically. Nothing in it is believed: its key sets count only under
//! the reader's own pins, and it holds no quorum, because whoever made the file would choose the witnesses.
//! [`verify()`] judges every receipt with the one verification that there is (`receipt::verify`) and then holds the
//! receipts against each other. Normative text: `spec/bundles.md`. Out of scope: gathering what goes into a bundle
//! (`node`), and words for people (`report`).

mod calls;
mod cross;
mod document;
mod findings;
mod report;
mod verify;

pub use document::{Bundle, BundleError, Item, Request, Response};
pub use findings::{Finding, Observation, Withheld};
pub use report::{
    BundleReport, CallReport, CheckpointRow, ItemReport, KeySetRow, LogReport, OperatorReport, Standing, Stories,
};
pub use verify::{Options, operator_report, verify};

#[cfg(test)]
pub(crate) mod tests;
