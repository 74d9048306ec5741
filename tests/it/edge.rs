//! Real servers on free ports, with real databases in temporary folders, called over HTTP.

mod config;
mod endurance;
mod new_keys;
mod private;
mod public;
mod serving;
pub(crate) mod two;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use countersign::edge::config::Config;
use countersign::edge::data_folder::{DataFolder, InitOptions};
use countersign::edge::server::Server;
use countersign::io::clock::Clock;
use countersign::io::store::Store;
use countersign::node::tokens::Role;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;

/// A running node and a client for it.
pub(crate) struct TestNode {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) place: TempDir,
}

impl TestNode {
    /// A node with the starter policy and the defaults.
    pub(crate) async fn start() -> Self {
        Self::configured("").await
    }

    /// A node with more configuration.
    pub(crate) async fn configured(more: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = create(&place.path().join("node")).await;
        Self::of(place, folder, more).await
    }

    /// A node of an existing data folder.
    pub(crate) async fn of(place: TempDir, folder: DataFolder, more: &str) -> Self {
        Self::listening(place, folder, more, "127.0.0.1:0".parse().unwrap()).await
    }

    /// The same at this public address.
    pub(crate) async fn listening(place: TempDir, folder: DataFolder, more: &str, public: SocketAddr) -> Self {
        let text = format!(
            "issuer = \"{}\"\n{more}\n[listen]\npublic = \"{public}\"\nprivate = \"127.0.0.1:0\"\n\
             [log]\ncheckpoint_interval_ms = 20\n",
            folder.issuer()
        );
        let config = Config::parse(&text, folder.path()).unwrap();
        let server = Server::start(&folder.with_config(config)).await.unwrap();
        Self { server, client: client(), place }
    }

    pub(crate) fn public(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.public_address())
    }

    pub(crate) fn private(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.private_address())
    }

    pub(crate) fn get_public(&self, path: &str) -> RequestBuilder {
        self.client.get(self.public(path))
    }

    /// The same database, opened a second time.
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        let folder = DataFolder::open(self.place.path().join("node")).unwrap();
        Arc::new(folder.store().await.unwrap())
    }

    /// A new token with this role.
    pub(crate) async fn token(&self, role: Role) -> String {
        let name = format!("{role}-{}", self.server.node().tokens.list().await.unwrap().len());
        self.server.node().tokens.create(&name, role).await.unwrap()
    }
}

/// The document of a response.
pub(crate) async fn body(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) async fn create(path: &Path) -> DataFolder {
    let options = InitOptions {
        issuer: "http://127.0.0.1:7400".parse().unwrap(),
        public: "127.0.0.1:0".parse().unwrap(),
        private: "127.0.0.1:0".parse().unwrap(),
        log_origin: None,
        at: Clock::system().now(),
    };
    DataFolder::create(path, &options).await.unwrap().folder
}

fn client() -> Client {
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}
