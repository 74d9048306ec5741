//! A whole node on loopback, under load: decisions and verifications, with everything that a node does behind them.

use std::net::SocketAddr;
use std::path::Path;

use countersign::edge::config::Config;
use countersign::edge::data_folder::{DataFolder, InitOptions};
use countersign::edge::server::Server;
use countersign::ground::name::Issuer;
use countersign::io::clock::Clock;
use countersign::node::tokens::Role;
use serde_json::{Value, json};

use crate::load::{Load, ask, post};
use crate::process::{self, Moment};
use crate::raw::{Raw, Speed, quantile_ms, ratio};
use crate::table::{Line, Table};
use crate::{Failure, Plan, Row};

/// Makes a data folder and starts its node; `more` is added to its configuration.
pub(crate) async fn start(path: &Path, public: SocketAddr, more: &str) -> Result<(Server, DataFolder), Failure> {
    let issuer: Issuer = format!("http://{public}").parse()?;
    let private = "127.0.0.1:0".parse()?;
    let options = InitOptions { issuer: issuer.clone(), public, private, log_origin: None, at: Clock::system().now() };
    let folder = DataFolder::create(path, &options).await?.folder;
    let text = format!("issuer = \"{issuer}\"\n{more}\n[listen]\npublic = \"{public}\"\nprivate = \"{private}\"\n");
    let folder = folder.clone().with_config(Config::parse(&text, folder.path())?);
    Ok((Server::start(&folder).await?, folder))
}

/// A free port on loopback. It may be taken before it is used, which then is an error and no wrong number.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub(crate) async fn measure(plan: &Plan, path: &Path, raw: &Raw, table: &mut Table) -> Result<(), Failure> {
    let (server, _) = start(path, free_address()?, "").await?;
    let token = server.node().tokens.create("measure", Role::Admin).await?;
    let client = Client { address: server.private_address(), headers: format!("authorization: Bearer {token}\r\n") };
    if plan.wants(Row::Http) {
        let (speed, late) = client.run(plan, "/v1/decisions", &decision(), table).await?;
        let limit = raw.sign_on_all_cores()?;
        for (clock, issued, signed) in [("wall", speed.wall, limit.wall), ("CPU of all cores", speed.cpu, limit.cpu)] {
            table.add(Line {
                name: format!("issue over HTTP, {} connections, load included, {clock}", plan.connections),
                measured: format!("{issued:.0}/s, p99 {late:.0} ms"),
                limit: format!("{signed:.0} signatures/s"),
                ratio: ratio(issued, signed),
                target: "6000/s".to_owned(),
            });
        }
    }
    if plan.wants(Row::Verify) {
        let (status, body) = ask(client.address, &client.request("/v1/decisions", &decision())).await?;
        let decided: Value = serde_json::from_slice(&body)?;
        let receipt = decided.get("receipt").ok_or_else(|| format!("no receipt, status {status}: {decided}"))?;
        let (speed, late) = client.run(plan, "/v1/verify", &json!({ "receipt": receipt }), table).await?;
        let limit = raw.verify()?;
        for (clock, verified) in [("wall", speed.wall), ("CPU of all cores", speed.cpu)] {
            table.add(Line {
                name: format!("verify over HTTP, load included, {clock}"),
                measured: format!("{verified:.0}/s, p99 {late:.0} ms"),
                limit: format!("{limit:.0}/s, one core"),
                ratio: ratio(verified, limit),
                target: "0.5".to_owned(),
            });
        }
    }
    server.shutdown().await;
    Ok(())
}

/// What an operator's own engine tells.
fn decision() -> Value {
    json!({
        "evaluation": {
            "subject": { "type": "Agent", "id": "booking-agent" },
            "action": { "name": "a2a.send_message" },
            "resource": { "type": "Resource", "id": "hotel/rooms/17" },
            "context": { "nights": 3, "currency": "EUR", "refundable": true },
        },
        "effect": "allow",
        "policies": ["booking-hours"],
    })
}

struct Client {
    address: SocketAddr,
    headers: String,
}

impl Client {
    fn request(&self, path: &str, body: &Value) -> Vec<u8> {
        post(path, &self.address.to_string(), &self.headers, body.to_string().as_bytes())
    }

    /// Sends one request over and over. Gives the speed and, in milliseconds, the time of all but the slowest
    /// hundredth.
    async fn run(&self, plan: &Plan, path: &str, body: &Value, table: &mut Table) -> Result<(Speed, f64), Failure> {
        let length = plan.length();
        let load = Load { address: self.address, connections: plan.connections, length, pause: None };
        let request = self.request(path, body);
        Load { length: length / 4, ..load }.send(request.clone()).await?;
        let began = Moment::now()?;
        let (mut answers, generator) = load.send(request).await?;
        let mut span = began.until_now()?;
        // Its thread may or may not have ended, so its time is counted apart.
        span.by_name.remove("load");
        if answers.refused > 0 || answers.times.is_empty() {
            return Err(format!("{path}: {} answers were refusals", answers.refused).into());
        }
        let count = u64::try_from(answers.times.len())?;
        let spent = span.spent().running + generator;
        table.remark(format!(
            "{path}: CPU time each: {}, load generator {:.1} us; load {}",
            span.shares(count),
            process::micros_each(generator, count),
            process::load()
        ));
        Ok((Speed::of(count, span.wall, spent), quantile_ms(&mut answers.times, 99)))
    }
}
