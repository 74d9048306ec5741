//! Which receipts: by their own names, or by what they say.

use super::evidence;
use super::output::CliError;
use super::place::OpenNode;
use crate::ground::crypto::hash::Digest;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::ground::receipt::payload::Payload;
use crate::ground::utc;
use crate::io::store::{SearchQuery, StoredReceipt};
use crate::node::upkeep;

/// The conditions that a receipt has to meet; without any, all receipts do.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Filter {
    /// decision, acknowledgement, outcome or configuration
    #[arg(long, help_heading = "Which receipts")]
    kind: Option<Kind>,

    /// allow, deny or escalate
    #[arg(long, value_parser = ["allow", "deny", "escalate"], help_heading = "Which receipts")]
    effect: Option<String>,

    /// The agent that acts
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Which receipts")]
    subject: Option<String>,

    /// What is done, such as a2a.send_message
    #[arg(long, value_name = "NAME", help_heading = "Which receipts")]
    action: Option<String>,

    /// What it is done to
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Which receipts")]
    resource: Option<String>,

    /// The other operator: of our own receipts the audience, of all others the issuer
    #[arg(long, value_name = "ORIGIN", value_parser = evidence::issuer, help_heading = "Which receipts")]
    peer: Option<Issuer>,

    /// The session
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Which receipts")]
    session: Option<String>,

    /// Issued at this time or later: seconds since 1970, or such as 2027-01-15T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = utc::parse, help_heading = "Which receipts")]
    since: Option<Timestamp>,

    /// Issued before this time
    #[arg(long, value_name = "TIME", value_parser = utc::parse, help_heading = "Which receipts")]
    until: Option<Timestamp>,
}

impl Filter {
    /// For the search index.
    pub(super) fn to_query(&self) -> SearchQuery {
        let Self { kind, effect, subject, action, resource, peer, session, since, until } = self.clone();
        SearchQuery { kind, effect, subject, action, resource, peer, session, since, until, after: None }
    }

    /// Whether there is any condition.
    pub(super) fn is_empty(&self) -> bool {
        self.to_query() == SearchQuery::default()
    }

    /// The same, for a receipt at hand.
    pub(super) fn meets(&self, row: &StoredReceipt, says: &Payload, own: &Issuer) -> bool {
        self.to_query().meets(row, &upkeep::search_row(row.position, says), own)
    }
}

/// One receipt by its digest, or by its id.
pub(super) async fn find_one(node: &OpenNode, name: &str) -> Result<StoredReceipt, CliError> {
    let found = match (Digest::parse(name), name.parse::<ReceiptId>()) {
        (Ok(digest), _) => node.store.receipt(&digest).await?,
        (Err(_), Ok(jti)) => find_by_id(node, &jti).await?,
        (Err(_), Err(_)) => {
            let help = "a digest has 43 characters of base64url, an id looks like 01932f3c-7b1a-7c3e-9f00-012345678910";
            return Err(CliError::usage(format!("`{name}` is neither a digest nor an id")).with_help(help));
        }
    };
    let help = "`countersign receipt find` searches; a digest or an id has to be given whole";
    found.ok_or_else(|| CliError::invalid(format!("there is no receipt `{name}` in this store")).with_help(help))
}

/// Ids are unique for their issuer only, so everybody is asked for: the operator itself first.
async fn find_by_id(node: &OpenNode, jti: &ReceiptId) -> Result<Option<StoredReceipt>, CliError> {
    if let Some(own) = node.store.receipt_by_id(node.folder.issuer(), jti).await? {
        return Ok(Some(own));
    }
    for peer in node.store.peers().await? {
        if let Some(found) = node.store.receipt_by_id(&peer.issuer, jti).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
