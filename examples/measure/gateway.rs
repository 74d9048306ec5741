//! A pair of gateways between an agent and the agent that it calls, at a steady pace: what they add to the slowest
//! calls, their decision, acknowledgement and commits included.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use countersign::io::secret_files;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::http::{free_address, start};
use crate::load::{Load, post, read_message};
use crate::process;
use crate::raw::quantile_ms;
use crate::table::{Line, Table};
use crate::{Failure, Plan};

/// Calls a second, and the connections that they are spread over.
const CALLS_PER_S: u32 = 100;
const CONNECTIONS: u32 = 10;

pub(crate) async fn measure(plan: &Plan, folder: &Path, table: &mut Table) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let agent = listener.local_addr()?;
    let answering = tokio::spawn(answer(listener));
    let (one, two) = (free_address()?, free_address()?);
    let inbound = format!("[[inbound]]\nname = \"hotel\"\npath = \"/agents/hotel\"\nupstream = \"http://{agent}\"\n");
    let (called, _) = start(&folder.join("called"), two, &inbound).await?;
    secret_files::create(&folder.join("agent"))?;
    let agent_file = folder.join("agent");
    let secret = secret_files::read(&agent_file)?;
    let outbound = format!(
        "[[outbound]]\nname = \"hotel\"\npeer = \"http://{two}\"\nurl = \"http://{two}/agents/hotel\"\n\
         [[agent]]\nname = \"booking-agent\"\nsecret_file = \"{}\"\n",
        std::path::absolute(&agent_file)?.display()
    );
    let (calling, _) = start(&folder.join("calling"), one, &outbound).await?;
    for (node, other) in [(&calling, &called), (&called, &calling)] {
        let operator = &other.node().operator;
        let fingerprint = operator.key_set().key_set().fingerprint();
        node.node().directory.add(operator.issuer(), Some(fingerprint)).await?;
    }
    let direct = pace(plan, agent, "/rpc").await?;
    let path = format!("/a/{}/hotel/rpc", secret.reveal());
    let paired = pace(plan, calling.private_address(), &path).await?;
    for (percent, target) in [(50, ""), (99, "15 ms")] {
        let (direct, paired) = (quantile_ms(&mut direct.clone(), percent), quantile_ms(&mut paired.clone(), percent));
        table.add(Line {
            name: format!("gateway pair, {CALLS_PER_S} calls/s: added to the p{percent}"),
            measured: format!("{:.1} ms", paired - direct),
            limit: format!("{direct:.1} ms without"),
            ratio: String::new(),
            target: target.to_owned(),
        });
    }
    table.remark(format!("gateway: load {}", process::load()));
    calling.shutdown().await;
    called.shutdown().await;
    answering.abort();
    Ok(())
}

/// Calls at a steady pace, after some for warming up.
async fn pace(plan: &Plan, address: SocketAddr, path: &str) -> Result<Vec<Duration>, Failure> {
    let message = json!({ "role": "ROLE_USER", "messageId": "m", "parts": [{ "text": "two nights, please" }] });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": message } });
    let request = post(path, &address.to_string(), "", call.to_string().as_bytes());
    let pause = Some(Duration::from_secs(1) * CONNECTIONS / CALLS_PER_S);
    let load = Load { address, connections: CONNECTIONS, length: plan.length(), pause };
    Load { length: Duration::from_secs(1), ..load }.send(request.clone()).await?;
    let (answers, _) = load.send(request).await?;
    if answers.refused > 0 || answers.times.is_empty() {
        return Err(format!("{} calls were refused", answers.refused).into());
    }
    Ok(answers.times)
}

/// The agent that is called: it answers every call alike, at once.
async fn answer(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer_connection(stream));
    }
}

async fn answer_connection(mut stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "result": { "message": { "role": "ROLE_AGENT", "parts": [] } } });
    let body = body.to_string();
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    let mut buffer = Vec::new();
    loop {
        read_message(&mut stream, &mut buffer).await?;
        stream.write_all(answer.as_bytes()).await?;
    }
}
