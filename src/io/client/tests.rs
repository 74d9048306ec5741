use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::ground::message_signature::{NonceMemory, SignatureFields, verify_pull};
use crate::ground::problem::ProblemType;

pub(crate) mod server;

use server::{NOW, PeerServer, time};

/// A client for peers on loopback.
pub(crate) fn client() -> PeerClient {
    PeerClient::new(&ClientConfig { allow_loopback: true, ..ClientConfig::default() }).unwrap()
}

/// The same, and it waits for as long as no test lasts.
pub(crate) fn patient() -> PeerClient {
    let deadline = Duration::from_secs(86_400);
    PeerClient::new(&ClientConfig { allow_loopback: true, deadline, ..ClientConfig::default() }).unwrap()
}

fn impatient() -> PeerClient {
    let deadline = Duration::from_millis(300);
    PeerClient::new(&ClientConfig { allow_loopback: true, deadline, ..ClientConfig::default() }).unwrap()
}

fn strict() -> PeerClient {
    PeerClient::new(&ClientConfig::default()).unwrap()
}

async fn listen() -> (TcpListener, Issuer) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    (listener, issuer)
}

/// Answers the first request on each connection with `head` and then whatever `body` writes.
async fn raw<F>(head: &'static str, body: impl Fn(TcpStream) -> F + Send + 'static) -> Issuer
where
    F: Future<Output = ()> + Send + 'static,
{
    let (listener, issuer) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            if stream.write_all(head.as_bytes()).await.is_ok() {
                tokio::spawn(body(stream));
            }
        }
    });
    issuer
}

/// Says no more, and keeps the connection.
async fn hold(stream: TcpStream) {
    std::future::pending::<()>().await;
    drop(stream);
}

#[tokio::test]
async fn a_discovery_document_is_fetched_and_read() {
    let peer = PeerServer::start(20).await;
    let discovered = client().discovery(&peer.issuer).await.unwrap();
    assert_eq!(discovered.key_set.fingerprint(), peer.fingerprint());
    peer.set(DISCOVERY_PATH, 200, "<html>");
    let error = client().discovery(&peer.issuer).await.unwrap_err();
    assert_eq!(error.problem(), ProblemType::PeerMisbehaved);
    let other = PeerServer::start(30).await;
    let document = other.key_set(1, None);
    peer.show(&document);
    let error = client().discovery(&peer.issuer).await.unwrap_err();
    assert_eq!(error.problem(), ProblemType::PeerMisbehaved, "{error}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (listener, issuer) = listen().await;
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hits);
    let target = get(move || async move { counter.fetch_add(1, Ordering::SeqCst).to_string() });
    let router = Router::new()
        .route(DISCOVERY_PATH, get(|| async { Redirect::temporary("/elsewhere") }))
        .route("/elsewhere", target);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let error = client().discovery(&issuer).await.unwrap_err();
    assert!(matches!(error, FetchError::Redirected { status: 307, .. }), "{error}");
    assert_eq!(error.problem(), ProblemType::PeerMisbehaved);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_hundred_megabytes_stop_at_the_bound() {
    const ALL: usize = 100 * 1024 * 1024;
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let issuer = raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            let chunk = vec![b' '; 16 * 1024];
            while counter.load(Ordering::SeqCst) < ALL && stream.write_all(&chunk).await.is_ok() {
                counter.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let error = client().discovery(&issuer).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { max_bytes: MAX_DISCOVERY_BYTES, .. }), "{error}");
    // Beyond the bound there is only what the two sockets hold.
    assert!(written.load(Ordering::SeqCst) < MAX_DISCOVERY_BYTES + 16 * 1024 * 1024);

    let announced = raw("HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n", hold).await;
    let error = client().discovery(&announced).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn one_byte_at_a_time_is_cut_at_the_deadline() {
    let issuer = raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", |mut stream| async move {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b" ").await.is_ok() {
            tick.tick().await;
        }
    })
    .await;
    let error = impatient().discovery(&issuer).await.unwrap_err();
    assert!(matches!(error, FetchError::Deadline { .. }), "{error}");
    assert_eq!(error.problem(), ProblemType::PeerUnreachable);
    let silent = raw("", hold).await;
    assert!(matches!(impatient().discovery(&silent).await, Err(FetchError::Deadline { .. })));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_answer() {
    let issuer = raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}", |_| std::future::ready(())).await;
    let error = client().discovery(&issuer).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn loopback_is_refused_unless_configured() {
    let peer = PeerServer::start(20).await;
    let port = peer.issuer.as_str().rsplit(':').next().unwrap().to_owned();
    let refused = async |issuer: String| strict().discovery(&issuer.parse().unwrap()).await.unwrap_err();
    let plain = refused(peer.issuer.to_string()).await;
    assert!(matches!(plain, FetchError::PlainHttp { .. }), "{plain}");
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let error = refused(format!("https://{host}:{port}")).await;
        assert!(matches!(error, FetchError::AddressRefused { .. }), "{host}: {error}");
        assert_eq!(error.problem(), ProblemType::PeerUnreachable);
    }
    assert_eq!(peer.asked(DISCOVERY_PATH), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_configured() {
    let issuer = |text: &str| -> Issuer { text.parse().unwrap() };
    for host in ["10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]", "[::ffff:a00:1]", "100.64.1.1"] {
        let error = client().discovery(&issuer(&format!("https://{host}"))).await.unwrap_err();
        assert!(matches!(error, FetchError::AddressRefused { .. }), "{host}: {error}");
    }
    let config = ClientConfig {
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        deadline: Duration::from_millis(300),
        ..ClientConfig::default()
    };
    // Port 1 of a configured network is tried, and nobody is there.
    let error = PeerClient::new(&config).unwrap().discovery(&issuer("https://127.0.0.1:1")).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn statuses_say_whether_trying_again_may_help() {
    let peer = PeerServer::start(20).await;
    for (status, problem) in [
        (500, ProblemType::PeerUnreachable),
        (503, ProblemType::PeerUnreachable),
        (429, ProblemType::PeerUnreachable),
        (403, ProblemType::PeerMisbehaved),
        (404, ProblemType::PeerMisbehaved),
        (204, ProblemType::PeerMisbehaved),
    ] {
        peer.set(DISCOVERY_PATH, status, "");
        assert_eq!(client().discovery(&peer.issuer).await.unwrap_err().problem(), problem, "{status}");
    }
}

#[tokio::test]
async fn proofs_and_tiles_come_from_the_peers_endpoints() {
    let peer = PeerServer::start(20).await;
    let (endpoints, client) = (peer.endpoints(), client());
    let jti = ReceiptId::from_parts(NOW * 1000, [1; 10]);
    let entries = [Digest::of(b"one"), Digest::of(b"two")];
    assert_eq!(client.proof(&endpoints, &jti, &entries[1]).await, Ok(None));
    peer.serve_log(&entries, NOW, &jti);
    assert!(client.proof(&endpoints, &jti, &entries[1]).await.unwrap().is_some());
    let address = TileAddress::at(0, 0, 2).unwrap();
    assert_eq!(client.tile(&endpoints, &address).await.unwrap().hashes().len(), 2);
    peer.set_url(&endpoints.tile(&address), vec![0; 32]);
    let error = client.tile(&endpoints, &address).await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed { what: What::Tile, .. }), "{error}");
}

#[tokio::test]
async fn a_pull_is_signed_with_our_http_key() {
    let peer = PeerServer::start(20).await;
    let endpoints = peer.endpoints();
    let decision = Digest::of(b"a decision");
    let key = SigningKey::from_seed(&[14; 32]).unwrap();
    assert_eq!(client().evidence(&endpoints, &decision, &key, time(NOW)).await, Ok(None));
    let evidence = Evidence { acknowledgement: Some("a.b.c".to_owned()), outcome: None };
    peer.set_url(&endpoints.evidence(&decision), serde_json::to_vec(&evidence).unwrap());
    assert_eq!(client().evidence(&endpoints, &decision, &key, time(NOW)).await, Ok(Some(evidence)));
    let headers = peer.last_headers();
    let value = |name: &str| headers[name].to_str().unwrap().to_owned();
    let fields = SignatureFields { input: value("signature-input"), signature: value("signature") };
    let us = crate::ground::keyset::tests::document();
    let root = crate::ground::keyset::tests::root();
    let us = crate::ground::keyset::sign(&us, &root).unwrap().pinned(&us.iss, root.id()).unwrap();
    let mut memory = NonceMemory::default();
    let verified = verify_pull("GET", &endpoints.evidence(&decision), &fields, &us, time(NOW), &mut memory);
    assert_eq!(verified, Ok(()));
}

/// A certificate authority, and a server certificate for `localhost` and 127.0.0.1 under it.
struct Authority {
    ca: String,
    certificate: String,
    key: String,
}

fn authority() -> Authority {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    Authority { ca: ca_pem, certificate: certificate.pem(), key: key.serialize_pem() }
}

#[tokio::test]
async fn https_counts_under_the_configured_authority_only() {
    let dir = tempfile::tempdir().unwrap();
    let with_ca = |name: &str, pem: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem).unwrap();
        let ca_file = Some(path);
        PeerClient::new(&ClientConfig { allow_loopback: true, ca_file, ..ClientConfig::default() })
    };
    let authority_of_peer = authority();
    let trusting = with_ca("ca.pem", &authority_of_peer.ca).unwrap();
    let peer = PeerServer::start(20).await;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let issuer: Issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
    let pem = |text: &str| text.as_bytes().to_vec();
    let (certificate, key) = (pem(&authority_of_peer.certificate), pem(&authority_of_peer.key));
    let tls = axum_server::tls_rustls::RustlsConfig::from_pem(certificate, key).await.unwrap();
    let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
    tokio::spawn(server.serve(peer.router().into_make_service()));
    peer.show(&peer.named(&issuer).key_set(1, None));

    assert_eq!(trusting.discovery(&issuer).await.unwrap().key_set.document().iss, issuer);
    for client in [with_ca("other.pem", &authority().ca).unwrap(), client()] {
        let error = client.discovery(&issuer).await.unwrap_err();
        assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    }
    assert_eq!(peer.asked(DISCOVERY_PATH), 1);
    for bad in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(with_ca("bad.pem", bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn an_agents_call_reaches_no_name_that_leads_into_the_own_network() {
    let error = strict().calls().get("https://localhost:1/").send().await.unwrap_err();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    let mut words = String::new();
    while let Some(error) = cause {
        words += &error.to_string();
        cause = error.source();
    }
    assert!(words.contains("neither public nor configured"), "{words}");
}
