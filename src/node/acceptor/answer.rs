//! The acknowledgement: judged by this operator's policy, and committed with what it answers.

use super::{Acceptor, Arrival, Handling};
use crate::ground::effect::{Effect, Reason};
use crate::ground::question::Request;
use crate::ground::receipt::binding::Nonce;
use crate::ground::receipt::compact::SignedReceipt;
use crate::ground::receipt::payload::{Acknowledgement, Action, BodyBinding, Decision, Payload, ReceiptRef, Resource};
use crate::ground::receipt::verify::VerifiedReceipt;
use crate::io::store::ReplayClaim;
use crate::node::decider::{Decider, Judgement, Opened, commit_inputs};
use crate::node::followup::Work;
use crate::node::issuer::{Attachments, IssueFailure, verified_receipt};

/// What the caller makes of an arrived call.
#[derive(Debug)]
pub struct Asked {
    /// The question to the policy. Its action and resource stand in the acknowledgement.
    pub request: Request,
    /// Why the call is denied before any policy is asked.
    pub refused: Option<Reason>,
    /// The judgement of an engine outside, which then stands in for the policy.
    pub observed: Option<Judgement>,
}

/// This operator's word on the call. The caller's own decision comes first: what it does not allow itself is not
/// allowed here either.
pub(super) fn judge(decider: &Decider, claims: &Decision, asked: &Asked) -> Judgement {
    let refused = if claims.effect == Effect::Allow { asked.refused } else { Some(Reason::EffectNotAllow) };
    match (refused, &asked.observed) {
        (Some(reason), _) => decider.denied(reason),
        (None, Some(observed)) => observed.clone(),
        (None, None) => decider.judge(&asked.request),
    }
}

/// An acknowledgement in the making.
pub(super) struct Answer<'a> {
    pub(super) decision: &'a VerifiedReceipt,
    pub(super) claims: &'a Decision,
    pub(super) asked: &'a Asked,
    pub(super) judgement: &'a Judgement,
    pub(super) body_checked: bool,
    pub(super) handling: Handling,
}

impl Answer<'_> {
    /// Commits the replay entry, the decision and the acknowledgement as one.
    pub(super) async fn commit(
        &self,
        acceptor: &Acceptor,
        arrival: &Arrival<'_>,
        nonce: &Nonce,
    ) -> Result<SignedReceipt, IssueFailure> {
        let inputs = commit_inputs(&self.asked.request)?;
        let payload = self.payload(acceptor, inputs.commitment)?;
        let mine = Opened { inputs: inputs.inputs, salt: Some(inputs.salt), ..Opened::default() };
        let theirs = Opened {
            method: Some(arrival.method.to_owned()),
            nonce: Some(nonce.to_text()),
            target: Some(arrival.target.to_owned()),
            ..Opened::default()
        };
        let claims = self.claims;
        let now = acceptor.clock.now();
        let mut followups = vec![Work::check_promise(self.decision.digest(), claims.iss.clone(), now)];
        if self.handling.forwards && self.handling.goes_on(self.judgement.effect) {
            followups.push(Work::close_call(now).about(self.decision.digest(), &claims.iss));
        }
        let with = Attachments {
            opening: Some(mine.to_opening()),
            received: Some(verified_receipt(self.decision, Some(theirs.to_opening()))),
            replay: Some(ReplayClaim {
                iss: claims.iss.clone(),
                jti: claims.jti,
                digest: self.decision.digest(),
                // Within the skew an expired receipt is still taken, so its entry has to live as long.
                expires: claims.exp.plus(acceptor.terms.skew_s),
            }),
            followups,
            ..Attachments::default()
        };
        acceptor.issuer.issue(Payload::Acknowledgement(Box::new(payload)), with).await
    }

    fn payload(
        &self,
        acceptor: &Acceptor,
        inputs: crate::ground::crypto::hash::Digest,
    ) -> Result<Acknowledgement, IssueFailure> {
        let draft = acceptor.issuer.draft()?;
        let (request, judgement) = (&self.asked.request, self.judgement);
        Ok(Acknowledgement {
            sd: None,
            sd_alg: None,
            action: Action { name: request.action.name.clone() },
            approval: acceptor.decider.approval(judgement, draft.iat),
            assurance: judgement.assurance,
            aud: self.claims.iss.clone(),
            body: if self.body_checked { BodyBinding::Bound } else { BodyBinding::Unbound },
            effect: judgement.effect,
            epoch: judgement.epoch,
            ext: None,
            iat: draft.iat,
            inputs: Some(inputs),
            iss: acceptor.issuer.name().clone(),
            jti: draft.jti,
            log: draft.log,
            mode: self.handling.mode,
            // Which rule refused is this operator's business; the opening keeps it for an auditor.
            policies: Vec::new(),
            reasons: judgement.reasons.clone(),
            receipt: ReceiptRef { digest: self.decision.digest(), jti: self.claims.jti },
            resource: Resource { id: request.resource.id.clone(), kind: request.resource.kind.clone() },
        })
    }
}
