//! The io floor: everything that touches the disk, the clock, randomness or the network, behind the verbs that the node
//! needs.
//!
//! Out of scope: what evidence means (`ground`), and when to do what (`node`).

pub mod client;
pub mod clock;
pub mod entropy;
pub mod files;
pub mod folder_lock;
pub mod head_file;
pub mod key_files;
pub mod policy_folder;
pub mod secret_files;
pub mod store;
