//! How the story is told: steps with lines, facts, and what had to be so.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Stage;

/// What happens, for whoever shows it.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// The stage stands.
    Setting(&'a Stage),
    /// A step begins: its number and title.
    Begins(usize, &'a str),
    /// Who does something, and what.
    Line(&'a str, &'a str),
    /// A step ends.
    Ended(&'a Step),
}

/// One step, as it came out.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Its name for programs.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// Real values.
    pub facts: Map<String, Value>,
    /// Whether it came out as told.
    pub as_told: bool,
    /// What did not.
    pub otherwise: Vec<String>,
}

/// The story under way.
pub(super) struct Story<'a> {
    tell: &'a mut (dyn FnMut(Told<'_>) + Send),
    steps: Vec<Step>,
}

impl<'a> Story<'a> {
    pub(super) fn new(tell: &'a mut (dyn FnMut(Told<'_>) + Send)) -> Self {
        Self { tell, steps: Vec::new() }
    }

    pub(super) fn begin(&mut self, name: &'static str, title: &'static str) {
        self.steps.push(Step { name, title, facts: Map::new(), as_told: true, otherwise: Vec::new() });
        (self.tell)(Told::Begins(self.steps.len(), title));
    }

    /// Tells who does what.
    pub(super) fn line(&mut self, who: &str, what: &str) {
        (self.tell)(Told::Line(who, what));
    }

    /// Keeps a value for programs.
    pub(super) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(step) = self.steps.last_mut() {
            step.facts.insert(name.to_owned(), value.into());
        }
    }

    /// What has to be so for the step to be true.
    pub(super) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if let (false, Some(step)) = (holds, self.steps.last_mut()) {
            step.as_told = false;
            step.otherwise.push(what());
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(step) = self.steps.last() {
            (self.tell)(Told::Ended(step));
        }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

/// The first characters of a long value, enough to find it again on the same screen.
pub(super) fn short(text: &str) -> String {
    let head: String = text.chars().take(13).collect();
    if head.len() < text.len() { format!("{head}…") } else { head }
}
