//! The second half: somebody on the way has a good receipt in hand, and tries what can be tried with it.

use super::DemoError;
use super::calls::refused;
use super::desk::{Ticket, question};
use super::stage::Stage;
use super::story::{Story, short};
use crate::ground::crypto::hash::{decode_base64url, encode_base64url};
use crate::ground::name::Issuer;

/// An operator that is none of the two.
const THIRD: &str = "https://cedar-cars.example";

pub(super) async fn tell(stage: &Stage, story: &mut Story<'_>) -> Result<(), DemoError> {
    let (url, body) = (stage.desk.direct("booking"), question(310));
    let ticket = stage.desk.ticket(stage.birch.issuer(), &url, &body).await?;
    let before = stage.booking.booked();
    tampered_receipt(stage, story, &ticket, &url, &body).await?;
    tampered_body(stage, story, &ticket, &url).await?;
    transplanted(stage, story, &ticket, &body).await?;
    replayed(stage, story, &ticket, &url, &body, before).await?;
    wrong_operator(stage, story, &url, &body).await
}

/// The receipt with another agent's name in it, spelled as it has to be, under the signature of before.
fn forge(receipt: &str) -> Option<String> {
    let mut parts = receipt.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = String::from_utf8(decode_base64url(payload)?).ok()?;
    let forged = payload.replace("night-batch", "chief-buyer");
    (forged != payload).then(|| format!("{header}.{}.{signature}", encode_base64url(forged.as_bytes())))
}

async fn tampered_receipt(
    stage: &Stage,
    story: &mut Story<'_>,
    ticket: &Ticket,
    url: &str,
    body: &str,
) -> Result<(), DemoError> {
    story.begin("tampered_receipt", "a tampered receipt");
    story.line("Atlas", "signs a receipt for its agent night-batch, for a room at 310");
    story.line("thief", "has it, and writes another agent's name into it");
    let receipt = forge(&ticket.receipt).ok_or_else(|| DemoError::Unexpected("the receipt has no agent".to_owned()))?;
    let forged = Ticket { receipt, nonce: ticket.nonce.clone() };
    let before = stage.booking.booked();
    let answer = stage.desk.present(&forged, url, body).await?;
    story.line("Birch", &format!("refuses: [{}]", answer.code()));
    story.fact("code", answer.code());
    refused(story, &answer, "signature_invalid", "callee_node");
    story.expect(answer.receipt.is_none(), || "a stranger earned a signed answer".to_owned());
    story.expect(stage.booking.booked() == before, || "the call reached booking".to_owned());
    story.end();
    Ok(())
}

async fn tampered_body(stage: &Stage, story: &mut Story<'_>, ticket: &Ticket, url: &str) -> Result<(), DemoError> {
    story.begin("tampered_body", "a tampered request");
    story.line("thief", "leaves the receipt as it is, and asks for a room at 690 instead of 310");
    let before = stage.booking.booked();
    let answer = stage.desk.present(ticket, url, &question(690)).await?;
    story.line("Birch", &format!("refuses: [{}]", answer.code()));
    story.fact("code", answer.code());
    refused(story, &answer, "body_mismatch", "callee_node");
    story.expect(stage.booking.booked() == before, || "the call reached booking".to_owned());
    story.end();
    Ok(())
}

async fn transplanted(stage: &Stage, story: &mut Story<'_>, ticket: &Ticket, body: &str) -> Result<(), DemoError> {
    story.begin("transplanted", "a transplanted receipt");
    story.line("thief", "moves receipt and request to Birch's other agent, the concierge");
    let before = stage.booking.booked();
    let answer = stage.desk.present(ticket, &stage.desk.direct("concierge"), body).await?;
    story.line("Birch", &format!("refuses: [{}]", answer.code()));
    story.fact("code", answer.code());
    refused(story, &answer, "target_mismatch", "callee_node");
    story.expect(stage.booking.booked() == before, || "the call reached the concierge".to_owned());
    story.end();
    Ok(())
}

async fn replayed(
    stage: &Stage,
    story: &mut Story<'_>,
    ticket: &Ticket,
    url: &str,
    body: &str,
    before: usize,
) -> Result<(), DemoError> {
    story.begin("replayed", "a replayed receipt");
    let first = stage.desk.present(ticket, url, body).await?;
    story.line("Atlas", "now sends the request itself");
    story.line("booking", &format!("answers “{}”", first.text().unwrap_or_default()));
    story.line("thief", "sends the very same bytes again");
    let second = stage.desk.present(ticket, url, body).await?;
    let same = short(second.refusal("acknowledgement"));
    story.line("Birch", &format!("refuses: [{}], with acknowledgement {same} of the first time", second.code()));
    story.fact("code", second.code());
    story.expect(first.text().is_some(), || format!("the first was not answered: {}", first.body));
    refused(story, &second, "duplicate", "callee_node");
    story.expect(first.receipt.is_some() && first.receipt == second.receipt, || {
        "the acknowledgements are not the same".to_owned()
    });
    story.expect(stage.booking.booked() == before + 1, || {
        format!("booking was reached {} times", stage.booking.booked() - before)
    });
    story.end();
    Ok(())
}

async fn wrong_operator(stage: &Stage, story: &mut Story<'_>, url: &str, body: &str) -> Result<(), DemoError> {
    story.begin("wrong_operator", "a receipt shown to the wrong operator");
    let third: Issuer = THIRD.parse()?;
    let ticket = stage.desk.ticket(&third, url, body).await?;
    story.line("Atlas", &format!("signs a receipt made out to {THIRD}"));
    story.line("thief", "shows it to Birch, with the request that it is for");
    let before = stage.booking.booked();
    let answer = stage.desk.present(&ticket, url, body).await?;
    story.line("Birch", &format!("refuses: [{}]", answer.code()));
    story.fact("code", answer.code());
    refused(story, &answer, "audience_mismatch", "callee_node");
    story.expect(stage.booking.booked() == before, || "the call reached booking".to_owned());
    story.end();
    Ok(())
}
