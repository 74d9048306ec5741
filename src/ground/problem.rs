//! The one registry of what can be wrong: codes of failed checks, of refusals and of API errors.
//!
//! A code is stable and closed: a verdict names it, a problem document (RFC 9457) carries it as its type, a metric
//! uses it as a label and a client can match on it. `spec/problems.md` lists every one. Out of scope: how a problem
//! travels (`edge` writes the documents) and any text that names a value of the request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whose fault a problem is, which decides who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The sender's bytes are wrong: another try with the same bytes fails again.
    Sender,
    /// The evidence does not hold, or cannot be judged with what is known.
    Evidence,
    /// A policy said no.
    Policy,
    /// This node cannot do it now.
    Node,
    /// Somebody else that this node depends on did not answer as it must.
    Upstream,
}

/// What would help the caller of a refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Help {
    /// Nothing that the caller can do alone.
    None,
    /// The same call later, with a new receipt.
    Retry,
    /// A new receipt, made for this request.
    NewReceipt,
    /// A person's approval.
    Approval,
    /// The operator has to change configuration or approve the peer.
    Operator,
}

macro_rules! problems {
    ($($variant:ident $code:literal $status:literal $fault:ident $help:ident $title:literal;)*) => {
        /// A problem type. The text form is its code; the URI is `urn:countersign:problem:<code>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ProblemType {
            $(#[doc = $title] $variant,)*
        }

        impl ProblemType {
            /// Every registered problem, in the order of the registry.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code: a metric label, a check's failure, the last part of the URI.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// One sentence for people, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The HTTP status that carries it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Whose fault it is.
            pub const fn fault(self) -> Fault {
                match self { $(Self::$variant => Fault::$fault,)* }
            }

            /// What would help.
            pub const fn help(self) -> Help {
                match self { $(Self::$variant => Help::$help,)* }
            }
        }
    };
}

problems! {
    // The bytes of a receipt.
    ReceiptMissing "receipt_missing" 403 Sender NewReceipt "the request carries no receipt";
    ReceiptRepeated "receipt_repeated" 403 Sender NewReceipt "the request carries more than one receipt";
    ReceiptTooLarge "receipt_too_large" 403 Sender NewReceipt "the receipt is larger than its kind allows";
    ReceiptMalformed "receipt_malformed" 403 Sender NewReceipt "the receipt is not a compact JWS of three base64url parts";
    HeaderInvalid "header_invalid" 403 Sender NewReceipt "the protected header is not exactly alg, kid and typ in canonical form";
    AlgNotAllowed "alg_not_allowed" 403 Sender NewReceipt "the protected header names an algorithm other than EdDSA";
    TypUnknown "typ_unknown" 403 Sender NewReceipt "the protected header names a kind or version that this verifier does not know";
    KindUnexpected "kind_unexpected" 403 Sender NewReceipt "the receipt is of another kind than is asked for here";
    PayloadNotCanonical "payload_not_canonical" 403 Sender NewReceipt "the payload is not its own canonical JSON form";
    PayloadInvalid "payload_invalid" 403 Sender NewReceipt "the payload breaks a rule of its kind";
    // Who signed.
    IssuerNotPinned "issuer_not_pinned" 403 Evidence Operator "no root key is pinned for this issuer";
    KeySetMissing "key_set_missing" 403 Evidence Operator "no key set of this issuer is at hand";
    KeySetInvalid "key_set_invalid" 403 Evidence Operator "the key set is malformed or not signed by the pinned root key";
    KeySetRolledBack "key_set_rolled_back" 502 Evidence Operator "the key set is older than, or differs from, the one already known";
    KeySetStale "key_set_stale" 403 Evidence Retry "the issuer's key set could not be refreshed in time";
    KeyUnknown "key_unknown" 403 Evidence NewReceipt "the issuer's key set has no such key";
    KeyWrongPurpose "key_wrong_purpose" 403 Evidence NewReceipt "the key is in the key set for another purpose";
    KeyNotActive "key_not_active" 403 Evidence NewReceipt "the key was not active when the receipt says it was issued";
    KeyRevoked "key_revoked" 403 Evidence NewReceipt "the key is revoked and nothing witnessed shows that the receipt is older";
    SignatureInvalid "signature_invalid" 403 Evidence NewReceipt "the signature does not verify";
    // For whom, when, for which request.
    AudienceMismatch "audience_mismatch" 403 Evidence NewReceipt "the receipt is made out to another operator";
    NotYetValid "not_yet_valid" 403 Evidence Retry "the receipt is not valid yet";
    Expired "expired" 403 Evidence NewReceipt "the receipt has expired";
    IssuedBeforeWatermark "issued_before_watermark" 403 Evidence NewReceipt "the receipt is older than this node's replay memory";
    NonceMissing "nonce_missing" 403 Sender NewReceipt "the request carries no nonce to open the receipt's commitments";
    NonceInvalid "nonce_invalid" 403 Sender NewReceipt "the nonce is not 32 bytes in base64url";
    BindingMissing "binding_missing" 403 Evidence NewReceipt "the receipt is bound to no request";
    TargetMismatch "target_mismatch" 403 Evidence NewReceipt "the receipt is bound to another method or target";
    BodyMismatch "body_mismatch" 403 Evidence NewReceipt "the receipt is bound to another body";
    BodyUnbound "body_unbound" 403 Evidence NewReceipt "the receipt does not bind the body, and this receiver demands it";
    EffectNotAllow "effect_not_allow" 403 Policy None "the caller's own decision is not to allow this call";
    Replayed "replayed" 403 Evidence NewReceipt "another receipt with this issuer and id was accepted before";
    Duplicate "duplicate" 409 Evidence NewReceipt "this very receipt was accepted before; the call is not forwarded again";
    AcknowledgementMissing "acknowledgement_missing" 502 Evidence None "the other operator sent no acknowledgement";
    AcknowledgementIssuer "acknowledgement_issuer" 502 Evidence None "the acknowledgement is not from the operator that the receipt is made out to";
    AcknowledgementOther "acknowledgement_other" 502 Evidence None "the acknowledgement names another receipt";
    OutcomeDisagrees "outcome_disagrees" 409 Evidence None "executor and caller describe the outcome differently";
    OutcomeRecorded "outcome_recorded" 409 Sender None "another outcome of this call is written down already";
    // The log.
    ProofMissing "proof_missing" 404 Evidence Retry "there is no inclusion proof";
    ProofMalformed "proof_malformed" 400 Sender None "the inclusion proof is not a tlog-proof file";
    InclusionInvalid "inclusion_invalid" 403 Evidence None "the inclusion proof does not lead to the checkpoint's root";
    CheckpointMalformed "checkpoint_malformed" 403 Sender None "the checkpoint is not a C2SP checkpoint without extension lines";
    CheckpointOrigin "checkpoint_origin" 403 Evidence None "the checkpoint is of another log";
    CheckpointSignature "checkpoint_signature" 403 Evidence None "the checkpoint lacks a valid signature of the issuer's log key";
    CheckpointUndated "checkpoint_undated" 403 Evidence None "the checkpoint lacks the operator's own dated cosignature";
    HeadInconsistent "head_inconsistent" 403 Evidence None "the head that the receipt names is not a prefix of the checkpoint";
    PromiseBroken "promise_broken" 403 Evidence None "the receipt was logged later than it promised";
    QuorumNotMet "quorum_not_met" 403 Evidence Retry "too few of the required witnesses cosigned the checkpoint";
    BundleMalformed "bundle_malformed" 400 Sender None "the evidence bundle is not of the documented form";
    // Peers.
    PeerUnknown "peer_unknown" 403 Evidence Operator "this operator is not a peer of this node";
    PeerPending "peer_pending" 403 Evidence Operator "this peer waits for approval";
    PeerSuspended "peer_suspended" 403 Evidence Operator "this peer is suspended";
    PeerRemoved "peer_removed" 403 Evidence Operator "this peer was removed";
    PeerUnreachable "peer_unreachable" 502 Upstream Retry "the other operator's node cannot be reached";
    PeerMisbehaved "peer_misbehaved" 502 Upstream None "the other operator's node answered against the protocol";
    MessageSignature "message_signature" 401 Sender None "the request lacks a valid HTTP message signature of a peer";
    // Policy.
    PolicyDenied "policy_denied" 403 Policy None "the operator's policy denies this action";
    ApprovalRequired "approval_required" 403 Policy Approval "the operator's policy asks for a person's approval";
    ContextMissing "context_missing" 403 Policy None "a fact that the route must lift from the request is missing or of the wrong type";
    CallUnrecognised "call_unrecognised" 403 Policy None "the request is not a call that this route can describe to the policy";
    // The interface.
    RequestMalformed "request_malformed" 400 Sender None "the request is not of the documented form";
    RequestTooLarge "request_too_large" 413 Sender None "the request is larger than this endpoint reads";
    MediaTypeUnsupported "media_type_unsupported" 415 Sender None "the request's media type is not supported";
    Unauthenticated "unauthenticated" 401 Sender None "the request carries no valid credentials";
    Forbidden "forbidden" 403 Sender Operator "these credentials do not allow this";
    OriginRefused "origin_refused" 403 Sender None "requests from web pages are refused here";
    NotFound "not_found" 404 Sender None "there is nothing here";
    MethodNotAllowed "method_not_allowed" 405 Sender None "this method is not allowed here";
    RequestTimeout "request_timeout" 408 Sender Retry "the request took too long to arrive";
    RateLimited "rate_limited" 429 Sender Retry "too many requests";
    // This node and what stands behind it.
    AgentUnreachable "agent_unreachable" 502 Upstream Retry "the agent behind this node cannot be reached";
    AgentMisbehaved "agent_misbehaved" 502 Upstream Retry "the agent behind this node broke off or answered out of bounds";
    Overloaded "overloaded" 503 Node Retry "this node has more work than it can keep its promises for";
    StorageUnavailable "storage_unavailable" 503 Node Retry "this node cannot store evidence now, so it allows nothing";
    NotReady "not_ready" 503 Node Retry "this node is not ready";
    Internal "internal" 500 Node Retry "something went wrong inside this node";
}

/// Prefix of every problem type URI.
pub const PROBLEM_URI_PREFIX: &str = "urn:countersign:problem:";

impl ProblemType {
    /// The type URI of RFC 9457, section 3.1.1.
    pub fn uri(self) -> String {
        format!("{PROBLEM_URI_PREFIX}{}", self.code())
    }
}

/// Text that names no registered problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a registered problem code")]
pub struct UnknownProblem;

impl FromStr for ProblemType {
    type Err = UnknownProblem;

    /// Reads a code, or the URI that ends in it.
    fn from_str(text: &str) -> Result<Self, UnknownProblem> {
        let code = text.strip_prefix(PROBLEM_URI_PREFIX).unwrap_or(text);
        Self::ALL.iter().copied().find(|problem| problem.code() == code).ok_or(UnknownProblem)
    }
}

impl fmt::Display for ProblemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for ProblemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for ProblemType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_round_trips_by_code_and_by_uri() {
        for problem in ProblemType::ALL.iter().copied() {
            assert_eq!(problem.code().parse(), Ok(problem));
            assert_eq!(problem.uri().parse(), Ok(problem));
            assert!((400..600).contains(&problem.status()), "{problem}");
        }
        assert_eq!("nonsense".parse::<ProblemType>(), Err(UnknownProblem));
    }
}
