//! The end of a call, written down exactly once, whatever way it ends.
//!
//! A [`Closing`] is made when the call's evidence becomes durable. Whoever holds it says how the call ended; if it is
//! dropped before, the call broke off. The outcome is signed and stored after the call, off its path. Should the node
//! stop before that, the follow-up that was committed with the evidence closes the call.

use std::time::Duration;

use super::Gateway;
use super::under_way::Place;
use crate::ground::crypto::hash::Digest;
use crate::ground::name::Issuer;
use crate::ground::receipt::payload::{Observer, OutcomeStatus, ReceiptRef};
use crate::node::answers::Acknowledged;
use crate::node::issuer::{IssueFailure, ReceiptIssuer};
use crate::node::outcomes::{self, Ending};
use crate::node::running::RunningCall;

/// The wait before the second try to write an outcome down, while the node is overloaded or its store fails. Each
/// further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest wait between two tries. They go on while the node runs: nobody else knows how the call ended.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a call holds until its outcome is written down: nobody else closes it meanwhile, and an own agent's place is
/// taken.
type Held = (RunningCall, Option<Place>);

/// A call whose end is yet to come.
#[derive(Debug)]
pub(super) struct Closing {
    gateway: Gateway,
    /// Until it is said.
    open: Option<(Ending, Held)>,
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
        place: Option<Place>,
    ) -> Self {
        let status = OutcomeStatus::Aborted;
        let ending = Ending { peer, observer, decision, acknowledgement, status, response: None, received: None };
        let running = gateway.0.node.running.begin(ending.decision.digest);
        Self { gateway: gateway.clone(), open: Some((ending, (running, place))), http_status: None }
    }

    /// The peer's acknowledgement came.
    pub(super) fn acknowledged(&mut self, answer: &Acknowledged) {
        if let Some((ending, _)) = &mut self.open {
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
        if let Some((ending, held)) = self.open.take() {
            let issuer = self.gateway.0.node.issuer.clone();
            let ending = Ending { status, response, ..ending };
            let _detached = self.gateway.0.afterwards.spawn_on(record(issuer, ending, held), &self.gateway.0.runtime);
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

/// What cannot be written down at all is left to the follow-up.
async fn record(issuer: ReceiptIssuer, ending: Ending, _held: Held) {
    let mut wait = FIRST_WAIT;
    loop {
        match outcomes::record(&issuer, ending.clone()).await {
            // Also when one stands already: a try whose answer was lost may have been kept.
            Ok(_) => return,
            Err(IssueFailure::Write(failure)) if failure.may_pass() => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => {
                tracing::error!(error = %error, decision = %ending.decision.jti, "an outcome could not be written down");
                return;
            }
        }
    }
}
