//! What reaches outside the process: the stores. Everything here is driven by the floor above; nothing here decides.

pub mod store;
