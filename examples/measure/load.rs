//! A load generator that leaves the cores to the server: one thread, prebuilt requests, keep-alive connections, and of
//! an answer only its status and its length.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Failure;
use crate::process::own_cpu_time;

/// Requests and answers are smaller than this, or something is wrong.
const MAX_MESSAGE: usize = 256 * 1024;

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Times of the requests that were answered well.
    pub(crate) times: Vec<Duration>,
    /// Answers whose status was not 2xx.
    pub(crate) refused: u64,
}

/// What to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: u32,
    pub(crate) length: Duration,
    /// Between two requests of one connection; nothing means as fast as answers come.
    pub(crate) pause: Option<Duration>,
}

impl Load {
    /// Sends `request` over and over, from a thread of its own. Gives what came back, and the CPU time of that thread.
    pub(crate) async fn send(self, request: Vec<u8>) -> Result<(Answers, Duration), Failure> {
        let (done, answers) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let answers = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(self.run(request)));
            let answers = answers.and_then(|answers| Ok((answers, own_cpu_time()?)));
            // Nobody waits any more when the program is ending.
            let _gone = done.send(answers);
        })?;
        answers.await?
    }

    async fn run(self, request: Vec<u8>) -> Result<Answers, Failure> {
        let request: std::sync::Arc<[u8]> = request.into();
        let mut tasks = JoinSet::new();
        for number in 0..self.connections {
            let request = std::sync::Arc::clone(&request);
            tasks.spawn(async move { self.connection(number, &request).await });
        }
        let mut all = Answers::default();
        while let Some(done) = tasks.join_next().await {
            let answers = done??;
            all.times.extend(answers.times);
            all.refused += answers.refused;
        }
        Ok(all)
    }

    async fn connection(self, number: u32, request: &[u8]) -> Result<Answers, Failure> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        // Connections take turns: they do not all send at the same moment.
        let first = tokio::time::Instant::now() + self.pause.unwrap_or_default() * number / self.connections;
        let mut ticks = self.pause.map(|pause| tokio::time::interval_at(first, pause));
        let (mut answers, mut buffer) = (Answers::default(), Vec::with_capacity(16 * 1024));
        let end = Instant::now() + self.length;
        while Instant::now() < end {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let began = Instant::now();
            stream.write_all(request).await?;
            match read_answer(&mut stream, &mut buffer).await? {
                200..=299 => answers.times.push(began.elapsed()),
                _ => answers.refused += 1,
            }
        }
        Ok(answers)
    }
}

/// Sends one request on a connection of its own, and gives the body of its answer.
pub(crate) async fn ask(address: SocketAddr, request: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut buffer = Vec::new();
    let status = read_answer(&mut stream, &mut buffer).await?;
    let body = head_length(&buffer).and_then(|head| buffer.get(head..)).unwrap_or_default();
    Ok((status, body.to_vec()))
}

/// A request with a body, ready to be sent.
pub(crate) fn post(path: &str, host: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Reads one whole answer into `buffer` and gives its status.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16, Failure> {
    read_message(stream, buffer).await?;
    let status = buffer.get(9..12).ok_or("an answer without a status")?;
    Ok(std::str::from_utf8(status)?.parse()?)
}

/// Reads one whole request or answer, which says its length, into `buffer`.
pub(crate) async fn read_message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Failure> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the other side closed the connection".into());
        }
        let Some(head) = head_length(buffer) else { continue };
        let whole = head + content_length(std::str::from_utf8(buffer.get(..head).unwrap_or_default())?)?;
        if whole > MAX_MESSAGE {
            return Err("the message is too large".into());
        }
        if buffer.len() >= whole {
            return Ok(());
        }
    }
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn content_length(head: &str) -> Result<usize, Failure> {
    let lengths = head.lines().filter_map(|line| line.split_once(':'));
    let length = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    Ok(length.ok_or("a message without a length")?.trim().parse()?)
}
