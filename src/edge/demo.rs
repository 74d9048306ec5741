//! The demo: two operators and their agents on this machine, and a story whose every step is checked as it happens.
//!
//! Nothing is staged: real servers on loopback, real databases in a temporary folder, the gateways between real HTTP
//! calls. A step that does not come out as it is told is a failure of the demo. Out of scope: how it is shown (`cli`).

mod agent;
mod attacks;
mod calls;
mod desk;
mod evidence;
mod stage;
mod story;

use std::path::Path;

pub use evidence::{EVIDENCE_FILE, REPORT_FILE};
pub use stage::{Operator, Stage};
pub use story::{Step, Told};

use crate::edge::data_folder::DataFolderError;
use crate::edge::server::ServeError;
use crate::ground::bundle::BundleError;
use crate::ground::name::NameError;
use crate::io::key_files::KeyFileError;
use crate::io::store::StoreError;
use crate::node::audit::AuditError;
use crate::node::bundles::GatherError;
use crate::node::directory::AddError;
use crate::node::tokens::TokenError;
use story::Story;

/// Why the story cannot be told to its end.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each is the room that failed")]
pub enum DemoError {
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("cannot use the temporary folder or a loopback port: {0}")]
    Io(std::io::Error),
    #[error(transparent)]
    Secret(KeyFileError),
    #[error(transparent)]
    Peer(#[from] AddError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Gather(#[from] GatherError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error("a call on loopback failed: {0}")]
    Http(String),
    #[error("{0}")]
    Unexpected(String),
}

impl DemoError {
    #[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
    fn http(error: reqwest::Error) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Http(format!("{error}{cause}"))
    }
}

/// The whole story, and the stage if it was to be kept.
#[derive(Debug)]
pub struct Ending {
    /// What was told, step by step.
    pub steps: Vec<Step>,
    /// The running nodes.
    pub kept: Option<Stage>,
}

/// Tells the story in the folder `place`, which must be empty. `tell` hears of everything as it happens. With `keep`
/// the nodes run on; without, they are shut down before the auditor looks at what they left.
pub async fn run(place: &Path, keep: bool, tell: &mut (dyn FnMut(Told<'_>) + Send)) -> Result<Ending, DemoError> {
    let stage = Stage::build(place).await?;
    tell(Told::Setting(&stage));
    let mut story = Story::new(tell);
    let booked = calls::tell(&stage, &mut story).await?;
    attacks::tell(&stage, &mut story).await?;
    let collected = evidence::collect(&stage, booked, place).await?;
    let kept = if keep {
        Some(stage)
    } else {
        tokio::join!(stage.atlas.server.shutdown(), stage.birch.server.shutdown());
        None
    };
    evidence::tell(&collected, keep, &mut story).await?;
    Ok(Ending { steps: story.into_steps(), kept })
}
