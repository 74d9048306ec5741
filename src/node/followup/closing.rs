//! Closing a call that nobody ended: the node stopped, or could not write down what it saw.

use super::{CLOSE_AFTER_S, FollowUp, Next};
use crate::ground::kind::Kind;
use crate::ground::receipt::payload::{Observer, OutcomeStatus, ReceiptRef};
use crate::io::store::Followup;
use crate::node::issuer::IssueFailure;
use crate::node::outcomes::{self, Ending, Recorded};
use crate::node::write_path::WriteFailure;

impl FollowUp {
    /// A call runs in the process that decided about it and nowhere else. One that does not run here any more, and has
    /// no outcome, broke off; how far it came nobody knows. Should its outcome come in between, that one stands.
    pub(super) async fn close_call(&self, work: &Followup) -> Result<Next, WriteFailure> {
        if self.running.is_running(&work.subject) {
            return Ok(Next::Later(self.clock.now().plus(CLOSE_AFTER_S)));
        }
        let Some(decision) = self.store.receipt(&work.subject).await? else { return Ok(Next::Done) };
        let outcome = self.store.outcomes(&[(decision.iss.clone(), decision.jti)]).await?;
        if outcome.iter().any(Option::is_some) {
            return Ok(Next::Done);
        }
        let answers = self.store.related(&work.subject).await?;
        let answer = answers.iter().find(|row| row.kind == Kind::Acknowledgement && row.iss == decision.aud);
        let called = decision.iss == *self.operator.issuer();
        let ending = Ending {
            peer: work.peer.clone(),
            observer: if called { Observer::Caller } else { Observer::Executor },
            decision: ReceiptRef { digest: decision.digest, jti: decision.jti },
            acknowledgement: answer.map(|row| ReceiptRef { digest: row.digest, jti: row.jti }),
            status: OutcomeStatus::Aborted,
            response: None,
            received: None,
        };
        match outcomes::record(&self.issuer, ending).await {
            Ok(Recorded::Now(_)) => {
                tracing::warn!(decision = %decision.jti, "closed a call as aborted that the last run of this node left open");
                Ok(Next::Done)
            }
            Ok(Recorded::Before(_)) => Ok(Next::Done),
            Err(IssueFailure::Write(failure)) => Err(failure),
            Err(failure) => {
                tracing::error!(error = %failure, decision = %decision.jti, "a call cannot be closed");
                Ok(Next::Again(Vec::new()))
            }
        }
    }
}
