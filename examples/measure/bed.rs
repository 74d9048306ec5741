//! A node's write path without its listeners: real keys, real store, real policies.

use std::path::Path;
use std::sync::Arc;

use countersign::ground::crypto::keys::{KeyUse, RootPurpose, SigningKey};
use countersign::ground::effect::Effect;
use countersign::ground::keyset::{self, KeyEntry, KeySetDocument, LogNames};
use countersign::ground::name::{Code, Timestamp};
use countersign::ground::policy::starter;
use countersign::ground::question::{Action, Entity, Request};
use countersign::ground::receipt::compact::SignedReceipt;
use countersign::ground::receipt::payload::{Basis, Identity};
use countersign::io::clock::Clock;
use countersign::io::entropy::random;
use countersign::io::head_file::HeadFile;
use countersign::io::store::sqlite::SqliteStore;
use countersign::io::store::{Identity as StoreIdentity, Store};
use countersign::node::decider::{Decider, Judgement, Matter, Who};
use countersign::node::issuer::ReceiptIssuer;
use countersign::node::operator::{OnlineKeys, Operator};
use countersign::node::policies::Policies;
use countersign::node::sequencer::Sequencer;

use crate::Failure;
use countersign::node::write_path::WritePath;

const ISSUER: &str = "https://agents.operator.example";

/// Everything that takes part in issuing.
pub(crate) struct Bed {
    pub(crate) operator: Arc<Operator>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sequencer: Sequencer,
    decider: Decider,
}

/// A handle for one caller.
#[derive(Clone)]
pub(crate) struct Caller {
    decider: Decider,
    reasons: Vec<Code>,
}

impl Bed {
    /// Makes a new node with its database at `path`.
    pub(crate) async fn make(path: &Path) -> Result<Self, Failure> {
        let clock = Clock::system();
        let operator = Arc::new(operator(clock.now())?);
        let origin = operator.log_key().origin().to_string();
        let identity = StoreIdentity { issuer: operator.issuer().clone(), origin };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::create(path, identity).await?);
        let head_file = Some(HeadFile::at(path.with_extension("head")));
        let sequencer = Sequencer::open(Arc::clone(&store), Arc::clone(&operator), clock.clone(), head_file).await?;
        let (head, caught_up) = (sequencer.published(), sequencer.caught_up());
        let writes = WritePath::start(Arc::clone(&store), clock.clone()).0;
        let issuer = ReceiptIssuer::new(Arc::clone(&operator), writes, clock, head, 60, caught_up);
        let policies = Policies::open(Arc::clone(&store), &issuer, || Ok(starter::files())).await?;
        let decider = Decider::new(Arc::clone(&store), issuer, policies, 120, 300);
        Ok(Self { operator, store, sequencer, decider })
    }

    /// A handle for one caller.
    pub(crate) fn caller(&self) -> Result<Caller, Failure> {
        Ok(Caller { decider: self.decider.clone(), reasons: vec!["policy_permit".parse()?] })
    }
}

impl Caller {
    /// What `POST /v1/decisions` does without its HTTP: an operator that decides elsewhere gets its receipt, which is
    /// durable when this returns.
    pub(crate) async fn decide(&self, number: u64) -> Result<SignedReceipt, Failure> {
        let judgement: Judgement =
            self.decider.observed(Effect::Allow, self.reasons.clone(), vec!["booking-hours".to_owned()]);
        Ok(self.decider.record(&judgement, &matter(number)?).await?)
    }
}

fn matter(number: u64) -> Result<Matter, Failure> {
    let agent = Entity::new("Agent", "booking-agent");
    let resource = Entity::new("Resource", format!("hotel/rooms/{}", number % 1000));
    let request = Request::new(agent, Action::new("a2a.send_message"), resource)
        .with_fact("nights", number % 14)
        .with_fact("currency", "EUR")
        .with_fact("refundable", number.is_multiple_of(2));
    Ok(Matter {
        request,
        who: Who {
            sub: "booking-agent".to_owned(),
            act: None,
            identity: Identity { agent: Basis::CLAIMED, delegation: None, user: None },
        },
        audience: ISSUER.parse()?,
        bound: None,
        session: None,
        parents: Vec::new(),
        retry_of: None,
        obligations: Vec::new(),
        followups: Vec::new(),
    })
}

fn operator(now: Timestamp) -> Result<Operator, Failure> {
    let keys = OnlineKeys {
        receipt: SigningKey::from_seed(&random()?)?,
        log: SigningKey::from_seed(&random()?)?,
        cosign: SigningKey::from_seed(&random()?)?,
        http: SigningKey::from_seed(&random()?)?,
    };
    let root = SigningKey::<RootPurpose>::from_seed(&random()?)?;
    let document = KeySetDocument {
        iat: now,
        iss: ISSUER.parse()?,
        keys: vec![
            KeyEntry::active(keys.receipt.public(), KeyUse::Receipt, now),
            KeyEntry::active(keys.log.public(), KeyUse::Log, now),
            KeyEntry::active(keys.cosign.public(), KeyUse::Cosign, now),
            KeyEntry::active(keys.http.public(), KeyUse::Http, now),
        ],
        log: LogNames {
            cosigner: "agents.operator.example/cosigner".to_owned(),
            origin: "agents.operator.example/log".to_owned(),
        },
        number: 1,
        predecessor: None,
        previous: None,
        root: root.public().to_jwk(),
    };
    Ok(Operator::new(ISSUER.parse()?, keyset::sign(&document, &root)?, keys)?)
}
