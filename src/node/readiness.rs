//! Whether a node can keep its promises now, and what is in the way.

use serde::Serialize;

use crate::node::Node;
use crate::node::issuer::IssueFailure;
use crate::node::policy_watch::FolderState;

/// What stands in the way of answering. Stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hindrance {
    /// The store does not take writes.
    StoreUnavailable,
    /// The log is so far behind that promises are not made any more.
    LogBehind,
    /// The clock is behind the keys, which are not valid yet.
    KeysAhead,
    /// The database is behind the head that was signed last, or another history.
    HeadDisagrees,
    /// The policy epoch in force is one that this program cannot answer by.
    PolicyUnknown,
    /// The node is shutting down.
    ShuttingDown,
}

/// Something to look at that stops nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The policy folder was edited and not applied.
    PolicyEdited,
    /// The policy folder has faults; the policy in force is another.
    PolicyFaulty,
}

/// A node's own view of its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether nothing is in the way.
    pub ready: bool,
    /// What is.
    pub hindrances: Vec<Hindrance>,
    /// What somebody should look at.
    pub notices: Vec<Notice>,
}

pub(super) async fn readiness(node: &Node) -> Readiness {
    let mut hindrances = Vec::new();
    if node.stop.is_cancelled() {
        hindrances.push(Hindrance::ShuttingDown);
    }
    if !node.issuer.can_write().await {
        hindrances.push(Hindrance::StoreUnavailable);
    }
    if node.policies.unknown().is_some() {
        hindrances.push(Hindrance::PolicyUnknown);
    }
    match node.issuer.check_capacity() {
        Ok(()) => {}
        Err(IssueFailure::KeysAhead { .. }) => hindrances.push(Hindrance::KeysAhead),
        Err(_) => hindrances.push(Hindrance::LogBehind),
    }
    if head_disagrees(node).await {
        hindrances.push(Hindrance::HeadDisagrees);
    }
    let notices = match &*node.folder.borrow() {
        FolderState::Edited(_) => vec![Notice::PolicyEdited],
        FolderState::Faulty(_) => vec![Notice::PolicyFaulty],
        FolderState::InForce | FolderState::Absent => Vec::new(),
    };
    Readiness { ready: hindrances.is_empty(), hindrances, notices }
}

/// A store that cannot be read is another hindrance.
async fn head_disagrees(node: &Node) -> bool {
    let Some(file) = node.head_file.clone() else { return false };
    let known = tokio::task::spawn_blocking(move || file.read()).await;
    match (known, node.store.head().await) {
        (Ok(Ok(Some(known))), Ok(head)) => known.size > head.size || (known.size == head.size && known != head),
        (Ok(Ok(None)), _) | (Ok(Ok(Some(_))), Err(_)) => false,
        (Ok(Err(_)) | Err(_), _) => true,
    }
}
