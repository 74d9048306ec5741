//! From the JSON of a vector to a question of the library.

use countersign::ground::crypto::hash::{Digest, decode_base64url};
use countersign::ground::crypto::keys::KeyId;
use countersign::ground::keyset::{PinnedKeySet, SelfSignedKeySet};
use countersign::ground::kind::Kind;
use countersign::ground::name::{Issuer, Timestamp};
use countersign::ground::problem::ProblemType;
use countersign::ground::receipt::binding::Nonce;
use countersign::ground::receipt::compact::UnverifiedReceipt;
use countersign::ground::receipt::payload::Payload;
use countersign::ground::receipt::verify::{Exchange, Question, Trust, refuse_format, verify};
use countersign::ground::verdict::{Level, Verdict};
use serde_json::Value;

use super::super::quorums;

/// What a vector's `trust` amounts to.
enum Known {
    Pinned(PinnedKeySet),
    Unpinned(SelfSignedKeySet),
    NoKeySet,
    Nothing,
    Refused(ProblemType),
}

impl Known {
    fn of(trust: &Value, issuer: &Issuer) -> Self {
        let text = |name: &str| trust.get(name).and_then(Value::as_str);
        let pin: Option<KeyId> = text("pin").map(|pin| pin.parse().unwrap());
        let key_set = text("key_set").map(|compact| SelfSignedKeySet::parse(compact.as_bytes()));
        match (pin, key_set) {
            (Some(pin), Some(key_set)) => match key_set.and_then(|key_set| key_set.pinned(issuer, pin)) {
                Ok(pinned) => Self::Pinned(pinned),
                Err(error) => Self::Refused(error.problem()),
            },
            (None, Some(key_set)) => key_set.map_or(Self::Nothing, Self::Unpinned),
            (Some(_), None) => Self::NoKeySet,
            (None, None) => Self::Nothing,
        }
    }

    fn trust(&self) -> Trust<'_> {
        match self {
            Self::Pinned(key_set) => Trust::Pinned(key_set),
            Self::Unpinned(key_set) => Trust::Unpinned(key_set),
            Self::NoKeySet => Trust::NoKeySet,
            Self::Nothing => Trust::Unknown,
            Self::Refused(problem) => Trust::Refused(*problem),
        }
    }
}

/// The parts of an exchange, owned.
struct Seen {
    nonce: Option<Nonce>,
    target: Option<(String, String)>,
    body: Option<Vec<u8>>,
    response: Option<Vec<u8>>,
    demand_body: bool,
}

impl Seen {
    fn of(exchange: &Value) -> Result<Self, ProblemType> {
        let text = |name: &str| exchange.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).map(|body| decode_base64url(body).unwrap());
        let target = text("method").zip(text("target"));
        Ok(Self {
            nonce: text("nonce").map(Nonce::parse).transpose().map_err(|_| ProblemType::NonceInvalid)?,
            target: target.map(|(method, target)| (method.to_owned(), target.to_owned())),
            body: bytes("body"),
            response: bytes("response"),
            demand_body: exchange.get("demand_body").and_then(Value::as_bool).unwrap_or_default(),
        })
    }

    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            nonce: self.nonce.as_ref(),
            target: self.target.as_ref().map(|(method, target)| (method.as_str(), target.as_str())),
            body: self.body.as_deref(),
            response: self.response.as_deref(),
            demand_body: self.demand_body,
        }
    }
}

/// The library's verdict on a vector's input, or why it is no question.
pub(crate) fn ask(input: &Value) -> Result<Verdict, ProblemType> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let level: Level = text("level").unwrap().parse().unwrap();
    let seen = input.get("exchange").map(Seen::of).transpose()?;
    let audience: Option<Issuer> = text("audience").map(|issuer| issuer.parse().unwrap());
    let decision = text("decision").map(read_decision).transpose()?;
    let quorum = text("quorum").map(quorums::read).transpose()?;
    let receipt = match UnverifiedReceipt::parse(text("receipt").unwrap().as_bytes()) {
        Ok(receipt) => receipt,
        Err(error) => return Ok(refuse_format(error.problem(), level)),
    };
    let known = Known::of(input.get("trust").unwrap(), receipt.claims().iss());
    let head_proof = input.get("head_proof").cloned();
    let head_proof: Option<Vec<Digest>> = head_proof.map(|hashes| serde_json::from_value(hashes).unwrap());
    let number = |name: &str| input.get(name).and_then(Value::as_u64);
    let mut question = Question::offline(level, known.trust());
    question.kind = text("kind").map(|kind| kind.parse::<Kind>().unwrap());
    question.at = number("at").map(|at| Timestamp::from_unix_s(at).unwrap());
    question.skew_s = number("skew_s").unwrap_or_default();
    question.audience = audience.as_ref();
    question.exchange = seen.as_ref().map(Seen::exchange);
    question.decision = decision.as_ref();
    question.proof = text("proof").map(str::as_bytes);
    question.head_proof = head_proof.as_deref();
    question.quorum = quorum.as_ref();
    Ok(verify(receipt, &question).verdict)
}

fn read_decision(compact: &str) -> Result<UnverifiedReceipt, ProblemType> {
    let receipt = UnverifiedReceipt::parse(compact.as_bytes()).ok();
    let decision = receipt.filter(|receipt| matches!(receipt.claims(), Payload::Decision(_)));
    decision.ok_or(ProblemType::RequestMalformed)
}
