//! What the rooms below can fail with, as the command line ends with it.

use super::output::CliError;
use crate::edge::data_folder::{DataFolderError, KeyChangeError};
use crate::edge::server::ServeError;
use crate::ground::keyset::SuccessorError;
use crate::io::client::ClientBuildError;
use crate::io::folder_lock::FolderLockError;
use crate::io::head_file::HeadFileError;
use crate::io::key_files::KeyFileError;
use crate::io::store::StoreError;
use crate::node::StartError;
use crate::node::audit::AuditError;
use crate::node::bundles::GatherError;
use crate::node::directory::{AddError, ChangeError};
use crate::node::issuer::IssueFailure;
use crate::node::logbook::LogbookError;
use crate::node::policies::PoliciesError;
use crate::node::sequencer::SequencerError;
use crate::node::tokens::TokenError;
use crate::node::write_path::WriteFailure;

impl From<DataFolderError> for CliError {
    fn from(error: DataFolderError) -> Self {
        match error {
            DataFolderError::Missing(_) | DataFolderError::Occupied(_) | DataFolderError::Config(_) => {
                Self::usage(error)
            }
            DataFolderError::KeySet { .. } | DataFolderError::Operator(_) => Self::invalid(error),
            DataFolderError::Store(error) => error.into(),
            _ => Self::io(error),
        }
    }
}

impl From<KeyChangeError> for CliError {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::Lock(error) => error.into(),
            KeyChangeError::Folder(error) => error.into(),
            KeyChangeError::Store(error) => error.into(),
            KeyChangeError::RootFile(_) => Self::io(error),
            KeyChangeError::OtherRoot { .. } => {
                Self::invalid(error).with_help("name the file that `countersign init` wrote as `root.jwk`")
            }
            KeyChangeError::Successor(SuccessorError::Clock { .. }) => Self::not_ready(error),
            KeyChangeError::Successor(_) => Self::usage(error).with_help("`countersign key list` shows the keys"),
            KeyChangeError::Behind { .. } | KeyChangeError::KeySet(_) => Self::invalid(error),
            KeyChangeError::Entropy(_) => Self::internal(error),
        }
    }
}

impl From<FolderLockError> for CliError {
    fn from(error: FolderLockError) -> Self {
        match error {
            FolderLockError::InUse(_) | FolderLockError::Served(_) | FolderLockError::Changing(_) => {
                Self::not_ready(error)
            }
            FolderLockError::Io { .. } => Self::io(error),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::IndexBehind { .. } => Self::not_ready(error),
            StoreError::Corrupt { .. } => Self::io(error).with_help("run `countersign log fsck`"),
            _ => Self::io(error),
        }
    }
}

impl From<LogbookError> for CliError {
    fn from(error: LogbookError) -> Self {
        match error {
            LogbookError::Store(error) => error.into(),
            LogbookError::Stopped => Self::not_ready(error),
            LogbookError::Tiles(_) | LogbookError::Checkpoint(_) => Self::io(error),
        }
    }
}

impl From<GatherError> for CliError {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::Store(error) => error.into(),
            GatherError::Logbook(error) => error.into(),
            GatherError::Missing(_)
            | GatherError::SeveralCalls(_)
            | GatherError::OtherBody(_)
            | GatherError::Bundle(_) => Self::usage(error),
        }
    }
}

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Store(error) => error.into(),
            AuditError::Logbook(error) => error.into(),
            AuditError::Task(_) => Self::internal(error),
        }
    }
}

impl From<PoliciesError> for CliError {
    fn from(error: PoliciesError) -> Self {
        match error {
            PoliciesError::Policy(_) => Self::invalid(error),
            PoliciesError::Store(error) => error.into(),
            PoliciesError::Issue(error) => error.into(),
            PoliciesError::Overtaken => Self::not_ready(error),
            _ => Self::io(error),
        }
    }
}

impl From<IssueFailure> for CliError {
    fn from(error: IssueFailure) -> Self {
        match error {
            IssueFailure::Write(WriteFailure::Store(_)) => Self::io(error),
            IssueFailure::Write(_) | IssueFailure::KeysAhead { .. } => Self::not_ready(error),
            IssueFailure::Invalid(_) | IssueFailure::Entropy(_) => Self::internal(error),
        }
    }
}

impl From<AddError> for CliError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Own(_) => Self::usage(error),
            AddError::Fingerprint { .. } | AddError::OtherRoot { .. } | AddError::KeySet(_) => Self::invalid(error),
            AddError::Fetch(_) => {
                Self::io(error).with_help("check that the other node runs and can be reached from here")
            }
            AddError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeError> for CliError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown(_) => Self::usage(error).with_help("`countersign peer list` shows the peers"),
            ChangeError::NoWay { .. } => Self::usage(error),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<TokenError> for CliError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Taken(_) | TokenError::Name(_) => Self::usage(error),
            TokenError::Store(error) => error.into(),
            TokenError::Entropy(_) => Self::internal(error),
        }
    }
}

impl From<SequencerError> for CliError {
    fn from(error: SequencerError) -> Self {
        Self::io(error)
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Log(error) => error.into(),
            StartError::Policies(error) => error.into(),
            StartError::Client(error) => error.into(),
        }
    }
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::DataFolder(error) => error.into(),
            ServeError::Keys(error) => error.into(),
            ServeError::Node(error) => error.into(),
            ServeError::Bind { .. } => Self::io(error)
                .with_help("another program listens there: end it, or change `[listen]` in the configuration"),
            _ => Self::io(error),
        }
    }
}

impl From<ClientBuildError> for CliError {
    fn from(error: ClientBuildError) -> Self {
        Self::usage(error)
    }
}

impl From<KeyFileError> for CliError {
    fn from(error: KeyFileError) -> Self {
        Self::io(error)
    }
}

impl From<HeadFileError> for CliError {
    fn from(error: HeadFileError) -> Self {
        Self::io(error)
    }
}
