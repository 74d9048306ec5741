//! What is reached over sockets: the node's own ports, its public URL, its peers, and their clocks.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use super::Found;
use crate::edge::data_folder::DataFolder;
use crate::edge::server::client_config;
use crate::ground::crypto::keys::KeyId;
use crate::ground::discovery::DISCOVERY_PATH;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::utc;
use crate::io::client::{ClientConfig, PeerClient};
use crate::io::clock::Clock;
use crate::io::store::{PeerState, Store as _};

/// Nobody wants to wait for a doctor.
const DEADLINE: Duration = Duration::from_secs(5);

/// Looks at both ports, and tells whether the node runs.
pub(super) async fn ports(folder: &DataFolder, found: &mut Vec<Found>) -> bool {
    let listen = &folder.config().listen;
    // Another node may listen there; the lock is this folder's own.
    let running = folder.is_served() && is_running(listen.private).await;
    if running {
        found.push(Found::ok("node", format!("runs: its private listener answers on {}", listen.private)));
        return true;
    }
    found.push(Found::ok("node", "does not run"));
    for (name, address) in [("public port", listen.public), ("private port", listen.private)] {
        found.push(match TcpListener::bind(address) {
            Ok(_) => Found::ok(name, format!("{address} is free")),
            Err(error) => {
                let advice = "end the program that listens there (`ss -ltnp`), or change `[listen]`";
                Found::broken(name, format!("{address} cannot be listened on: {error}"), advice)
            }
        });
    }
    false
}

async fn is_running(private: SocketAddr) -> bool {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build();
    let Ok(client) = client else { return false };
    let answer = client.get(format!("http://{private}/.well-known/authzen-configuration")).send().await;
    let Ok(answer) = answer else { return false };
    let body = answer.text().await.unwrap_or_default();
    body.contains("access_evaluation_endpoint")
}

fn client(folder: &DataFolder) -> Result<PeerClient, String> {
    let config = ClientConfig { deadline: DEADLINE, ..client_config(folder.config()) };
    PeerClient::new(&config).map_err(|error| error.to_string())
}

/// As peers see it: the discovery document under the public URL must be ours.
pub(super) async fn public_url(folder: &DataFolder, fingerprint: KeyId) -> Found {
    let issuer = folder.issuer();
    let advice =
        "check DNS, the proxy in front and its certificate; from inside a network, this may need another route";
    let discovered = match client(folder) {
        Ok(client) => client.discovery(issuer).await.map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    match discovered {
        Ok(discovered) if discovered.key_set.fingerprint() == fingerprint => {
            Found::ok("public url", format!("{issuer} leads to this node"))
        }
        Ok(discovered) => {
            let found = format!("{issuer} leads to a node with the root key {}", discovered.key_set.fingerprint());
            Found::broken("public url", found, "another node answers there: check the proxy's target")
        }
        Err(error) => Found::warning("public url", error, advice),
    }
}

/// Every approved peer: whether it is there, under the pinned root key, and with about the same time.
pub(super) async fn peers(folder: &DataFolder) -> Vec<Found> {
    let Ok(store) = folder.store().await else { return Vec::new() };
    let peers = store.peers().await.unwrap_or_default();
    store.close().await;
    let client = match client(folder) {
        Ok(client) => client,
        Err(error) => return vec![Found::broken("peers", error, "correct `peers.ca_file`")],
    };
    let mut found = Vec::new();
    let waiting = peers.iter().filter(|peer| peer.state == PeerState::Pending).count();
    if waiting > 0 {
        let advice = "`countersign peer list`, compare fingerprints, then `countersign peer approve`";
        found.push(Found::warning("peers", format!("{waiting} wait for approval"), advice));
    }
    for peer in peers.iter().filter(|peer| peer.state == PeerState::Approved) {
        found.push(match client.discovery(&peer.issuer).await {
            Err(error) => {
                Found::warning("peer", format!("{}: {error}", peer.issuer), "calls to it are refused until it is back")
            }
            Ok(discovered) if discovered.key_set.fingerprint() != KeyId(peer.fingerprint) => Found::broken(
                "peer",
                format!("{} shows the root key {}", peer.issuer, discovered.key_set.fingerprint()),
                "ask its operator on another channel; if the change is real, remove it and add it again",
            ),
            Ok(_) => Found::ok("peer", format!("{} is reachable, under the pinned root key", peer.issuer)),
        });
        found.extend(clock(folder, &client, &peer.issuer).await);
    }
    if peers.is_empty() {
        found.push(Found::ok("peers", "none yet"));
    }
    found
}

/// Our clock against a peer's `Date`.
async fn clock(folder: &DataFolder, client: &PeerClient, peer: &Issuer) -> Option<Found> {
    let answer = client.calls().get(format!("{peer}{DISCOVERY_PATH}")).timeout(DEADLINE).send().await.ok()?;
    let theirs = read_date(answer.headers().get(reqwest::header::DATE)?.to_str().ok()?)?;
    let ours = Clock::system().now();
    let apart = ours.since(theirs).max(theirs.since(ours));
    let allowed = folder.config().evidence.skew_s;
    Some(match apart {
        0..=2 => Found::ok("clock", format!("agrees with {peer}")),
        _ if apart <= allowed => {
            Found::warning("clock", format!("{apart} s from {peer}"), "have one of the two clocks set by NTP")
        }
        _ => {
            let advice =
                "set this machine's clock by NTP, or ask the peer to: receipts are refused as too old or too new";
            Found::broken("clock", format!("{apart} s from {peer}, and `evidence.skew_s` is {allowed}"), advice)
        }
    })
}

/// The one form that senders write (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn read_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    utc::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_response_is_read() {
        let read = |text| read_date(text).map(Timestamp::unix_s);
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for bad in ["", "Sun, 06 Nov 1994", "Sun, 06 Nix 1994 08:49:37 GMT", "784111777"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
