//! `countersign policy eval`: what the policy would say, and why.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::super::input;
use super::super::output::{CliError, Exit, Output};
use super::super::place::{Place, block_on};
use super::{folder_of, load};
use crate::ground::agent::authzen::parse_evaluation;
use crate::ground::limits::MAX_EVALUATION_BYTES;
use crate::ground::policy::{Action, Engine, Entity, PolicySource, Request};
use crate::node::policies;

/// Ask a policy a question, and see which rules decide
///
/// Prints the rules that decided; where nothing permits, the permit that came nearest and the first thing in its way.
/// Nothing is written down: no receipt, no log entry.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The question as an AuthZEN evaluation request; `-` is standard input
    #[arg(conflicts_with_all = ["subject", "action", "resource", "context"], required_unless_present = "action")]
    question: Option<PathBuf>,

    /// Who, such as Agent:desk
    #[arg(long, value_name = "TYPE:ID", value_parser = entity, requires_all = ["action", "resource"])]
    subject: Option<Entity>,

    /// What, such as a2a.send_message
    #[arg(long, value_name = "NAME", requires_all = ["subject", "resource"])]
    action: Option<String>,

    /// To what, such as PeerAgent:https://b.example/hotel
    #[arg(long, value_name = "TYPE:ID", value_parser = entity)]
    resource: Option<Entity>,

    /// The facts, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = object)]
    context: Option<Value>,

    /// The policy folder to ask; by default the node's working copy
    #[arg(long, value_name = "FOLDER", conflicts_with = "in_force")]
    folder: Option<PathBuf>,

    /// Ask the policy in force instead of the working copy
    #[arg(long)]
    in_force: bool,

    /// End with 1 unless this is the answer
    #[arg(long, value_name = "EFFECT", value_parser = ["allow", "deny", "escalate"])]
    expect: Option<String>,
}

pub(super) fn run(args: &Args, place: &Place, output: &Output) -> Result<Exit, CliError> {
    let request = question(args)?;
    let engine =
        if args.in_force { block_on(in_force(place))? } else { load(&folder_of(args.folder.clone(), place)?)? };
    let explanation = engine.explain(&request);
    output.result(&explanation, || format!("{explanation}\n"))?;
    let effect = explanation.evaluation.effect.as_str();
    match &args.expect {
        Some(expected) if expected != effect => {
            output.say(&format!("expected {expected}"));
            Ok(Exit::Invalid)
        }
        _ => Ok(Exit::Done),
    }
}

fn question(args: &Args) -> Result<Request, CliError> {
    if let Some(path) = &args.question {
        let bytes = input::read(path, MAX_EVALUATION_BYTES)?;
        return parse_evaluation(&bytes).map_err(|error| CliError::usage(format!("{}: {error}", input::name(path))));
    }
    let (Some(subject), Some(action), Some(resource)) = (&args.subject, &args.action, &args.resource) else {
        return Err(CliError::usage("a question needs --subject, --action and --resource, or a file"));
    };
    let context = args.context.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let request = Request::new(subject.clone(), Action::new(action.as_str()), resource.clone());
    Ok(context.into_iter().fold(request, |request, (name, value)| request.with_fact(name, value)))
}

/// The type ends at the first single colon: Cedar separates namespaces by two.
fn entity(text: &str) -> Result<Entity, String> {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(':')) {
        let at = from + found;
        let rest = text.get(at + 1..).unwrap_or_default();
        if rest.starts_with(':') {
            from = at + 2;
            continue;
        }
        let kind = text.get(..at).unwrap_or_default();
        if kind.is_empty() || rest.is_empty() {
            break;
        }
        return Ok(Entity::new(kind, rest));
    }
    Err(format!("`{text}` is not TYPE:ID, such as Agent:desk"))
}

fn object(text: &str) -> Result<Value, String> {
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))?;
    Ok(Value::Object(object))
}

async fn in_force(place: &Place) -> Result<Engine, CliError> {
    let node = place.open().await?;
    let Some(epoch) = node.store.current_epoch().await? else {
        return Err(CliError::not_ready("no policy is in force yet")
            .with_help("the first epoch begins with the node's first start, or with `countersign policy apply`"));
    };
    let (_, files) = policies::files(node.store.as_ref(), epoch.digest).await?;
    node.close().await;
    PolicySource::new(files).and_then(Engine::load).map_err(CliError::invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_may_have_a_namespace_and_an_id_may_have_colons() {
        let read = |text| entity(text).map(|entity| (entity.kind, entity.id));
        assert_eq!(read("Agent:desk"), Ok(("Agent".to_owned(), "desk".to_owned())));
        assert_eq!(read("Acme::Agent:desk"), Ok(("Acme::Agent".to_owned(), "desk".to_owned())));
        assert_eq!(read("Peer:https://b.example"), Ok(("Peer".to_owned(), "https://b.example".to_owned())));
        for bad in ["Agent", "Agent:", ":desk", "Acme::Agent", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
