//! The end of a call, written down exactly once, whatever way it ends.
//!
//! A [`Closing`] is made when the call's evidence becomes durable. Whoever holds it says how the call ended; if it is
//! dropped before, the call broke off. The outcome is signed and stored after the call, off its path.

use std::time::Duration;

use super::Gateway;
use crate::ground::crypto::hash::Digest;
use crate::ground::name::Issuer;
use crate::ground::receipt::payload::{Observer, OutcomeStatus, ReceiptRef};
use crate::node::answers::Acknowledged;
use crate::node::issuer::{IssueFailure, ReceiptIssuer};
use crate::node::outcomes::{self, Ending};
use crate::node::write_path::WriteFailure;

/// Tries to write an outcome down while the node is overloaded or its store fails. With the waits between them they
/// last for half a minute; after that the outcome is lost, and the log says so.
const MAX_TRIES: u32 = 8;

/// The wait before the second try; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// A call whose end is yet to come.
#[derive(Debug)]
pub(super) struct Closing {
    gateway: Gateway,
    ending: Option<Ending>,
    http_status: Option<u16>,
}

impl Closing {
    /// A call that was decided about, seen from one side.
    pub(super) fn new(
        gateway: &Gateway,
        observer: Observer,
        peer: Issuer,
        decision: ReceiptRef,
        acknowledgement: Option<ReceiptRef>,
    ) -> Self {
        let status = OutcomeStatus::Aborted;
        let ending = Ending { peer, observer, decision, acknowledgement, status, response: None, received: None };
        Self { gateway: gateway.clone(), ending: Some(ending), http_status: None }
    }

    /// The peer's acknowledgement came.
    pub(super) fn acknowledged(&mut self, answer: &Acknowledged) {
        if let Some(ending) = &mut self.ending {
            ending.acknowledgement = Some(answer.named.clone());
            ending.received = Some(answer.received.clone());
        }
    }

    /// A response began. Should it break off, this is what is known of it.
    pub(super) fn began(&mut self, http_status: u16) {
        self.http_status = Some(http_status);
    }

    /// A whole response passed.
    pub(super) fn completed(mut self, http_status: u16, content: Digest) {
        self.write(OutcomeStatus::Completed, Some((http_status, Some(content))));
    }

    /// No response of the agent passed.
    pub(super) fn ended(mut self, status: OutcomeStatus) {
        self.write(status, None);
    }

    fn write(&mut self, status: OutcomeStatus, response: Option<(u16, Option<Digest>)>) {
        if let Some(ending) = self.ending.take() {
            let issuer = self.gateway.0.node.issuer.clone();
            let ending = Ending { status, response, ..ending };
            let _detached = self.gateway.0.afterwards.spawn_on(record(issuer, ending), &self.gateway.0.runtime);
        }
    }
}

impl Drop for Closing {
    /// How many bytes of a broken response passed is not the same on both sides, so its body is not bound.
    fn drop(&mut self) {
        let response = self.http_status.map(|status| (status, None));
        self.write(OutcomeStatus::Aborted, response);
    }
}

async fn record(issuer: ReceiptIssuer, ending: Ending) {
    let mut wait = FIRST_WAIT;
    for _ in 1..MAX_TRIES {
        match outcomes::record(&issuer, ending.clone()).await {
            // Also when it stands already: a try whose answer was lost may have been kept.
            Ok(_) => return,
            Err(IssueFailure::Write(WriteFailure::Overloaded | WriteFailure::Store(_))) => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            Err(error) => return lost(&ending, &error),
        }
    }
    if let Err(error) = outcomes::record(&issuer, ending.clone()).await {
        lost(&ending, &error);
    }
}

fn lost(ending: &Ending, error: &IssueFailure) {
    tracing::error!(error = %error, decision = %ending.decision.jti, "an outcome could not be written down");
}
