//! One fenced GET: address, deadline, status and size.

use reqwest::{RequestBuilder, Response, StatusCode};
use url::{Host, Url};

use super::fault::{FetchError, What, connect_fault};
use super::{AddressRules, PeerClient};
use crate::ground::name::is_loopback;

impl PeerClient {
    pub(super) async fn get(&self, what: What, url: &str, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
        self.fetch(what, url, self.http.get(url), max_bytes).await
    }

    /// Sends the request and reads the whole answer, or stops at the first bound that it meets.
    pub(super) async fn fetch(
        &self,
        what: What,
        url: &str,
        request: RequestBuilder,
        max_bytes: usize,
    ) -> Result<Vec<u8>, FetchError> {
        let host = check_url(url, &self.rules)?;
        let whole = async {
            let response = request.send().await.map_err(|error| connect_fault(&host, &error))?;
            check_status(what, &host, &response)?;
            read_body(what, &host, response, max_bytes).await
        };
        let within = tokio::time::timeout(self.deadline, whole).await;
        within.map_err(|_| FetchError::Deadline { host: host.clone(), what, seconds: self.deadline.as_secs_f32() })?
    }
}

/// Literal addresses never reach the resolver, so they are judged here. Returns the host for messages.
fn check_url(url: &str, rules: &AddressRules) -> Result<String, FetchError> {
    let url = Url::parse(url).map_err(|_| FetchError::Url { url: url.to_owned() })?;
    let host = url.host().ok_or_else(|| FetchError::Url { url: url.to_string() })?;
    if url.scheme() != "https" && !(rules.allow_loopback() && is_loopback(&url)) {
        return Err(FetchError::PlainHttp { host: host.to_string() });
    }
    let address = match host {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    };
    match address {
        Some(address) if !rules.permit(address) => Err(FetchError::AddressRefused { host: host.to_string(), address }),
        _ => Ok(host.to_string()),
    }
}

fn check_status(what: What, host: &str, response: &Response) -> Result<(), FetchError> {
    let status = response.status();
    if status == StatusCode::OK {
        Ok(())
    } else if status.is_redirection() {
        Err(FetchError::Redirected { host: host.to_owned(), what, status: status.as_u16() })
    } else {
        Err(FetchError::Status { host: host.to_owned(), what, status: status.as_u16() })
    }
}

/// Reads chunk by chunk, so that memory and traffic end near the bound whatever length the peer announces or sends.
async fn read_body(what: What, host: &str, mut response: Response, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge { host: host.to_owned(), what, max_bytes };
    let announced = response.content_length().map(usize::try_from);
    if announced.is_some_and(|length| length.map_or(true, |length| length > max_bytes)) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| connect_fault(host, &error))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
