use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::ground::crypto::keys::RootPurpose;
use crate::ground::name::Timestamp;

fn options() -> InitOptions {
    InitOptions {
        issuer: "https://agents.example".parse().unwrap(),
        public: "127.0.0.1:0".parse().unwrap(),
        private: "127.0.0.1:0".parse().unwrap(),
        log_origin: None,
        at: Timestamp::from_unix_s(1_800_000_000).unwrap(),
    }
}

#[tokio::test]
async fn a_new_folder_opens_as_the_operator_that_it_was_made_for() {
    let place = tempfile::tempdir().unwrap();
    let created = DataFolder::create(place.path().join("in/node"), &options()).await.unwrap();
    let operator = created.folder.operator().unwrap();
    assert_eq!(operator.issuer().as_str(), "https://agents.example");
    assert_eq!(operator.key_set().key_set().fingerprint(), created.fingerprint);
    assert_eq!(operator.log_key().origin().as_str(), "agents.example/log");
    let root = key_files::read::<RootPurpose>(&created.root_key_file).unwrap();
    assert_eq!(root.id(), created.fingerprint);
    created.folder.store().await.unwrap();
    created.folder.pseudonym_key().unwrap();
    assert!(!created.folder.policy_files().unwrap().is_empty());
    let leftovers = fs::read_dir(place.path().join("in")).unwrap().count();
    assert_eq!(leftovers, 1);
}

#[tokio::test]
async fn nobody_else_can_read_a_new_folder() {
    let place = tempfile::tempdir().unwrap();
    let created = DataFolder::create(place.path().join("node"), &options()).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(created.folder.path()), 0o700);
    assert_eq!(mode(&created.root_key_file), 0o600);
    assert_eq!(mode(&created.folder.store_file()), 0o600);
}

#[tokio::test]
async fn nothing_is_ever_overwritten() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("node");
    let first = DataFolder::create(&path, &options()).await.unwrap();
    assert!(matches!(DataFolder::create(&path, &options()).await, Err(DataFolderError::Occupied(_))));
    assert_eq!(first.folder.operator().unwrap().key_set().key_set().fingerprint(), first.fingerprint);
}

#[test]
fn a_folder_without_a_configuration_is_none() {
    let place = tempfile::tempdir().unwrap();
    assert!(matches!(DataFolder::open(place.path()), Err(DataFolderError::Missing(_))));
}
