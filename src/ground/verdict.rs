//! What a verification found: a result for every check, and the verdict that follows from them.
//!
//! Valid evidence is not the same as an allowed action, and a verdict says what it does not assert. Normative text:
//! `spec/verdicts.md`. Out of scope: how checks are made (`receipt::verify`, `bundle`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ground::name::Timestamp;
use crate::ground::problem::ProblemType;

mod check;

pub use check::{Absence, Check, CheckResult, CheckRow};

/// What a verifier demands. Each level contains the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The issuer signed it.
    Signed,
    /// And it is in the issuer's log, under a checkpoint that the operator signed and dated.
    Included,
    /// And enough witnesses cosigned that checkpoint.
    Witnessed,
}

impl Level {
    /// Every level, weakest first.
    pub const ALL: [Self; 3] = [Self::Signed, Self::Included, Self::Witnessed];

    /// The level as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Included => "included",
            Self::Witnessed => "witnessed",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a level: expected signed, included or witnessed")]
pub struct UnknownLevel;

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(UnknownLevel)
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// Every check that the level requires passes, and none that decides fails.
    Valid,
    /// A check that decides fails.
    Invalid,
    /// Nothing that decides fails, but a required check could not be evaluated.
    Undetermined,
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Undetermined => "undetermined",
        })
    }
}

/// A verdict: the conclusion, the level that it was asked at, and a row for every check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer.
    pub verdict: Conclusion,
    /// What was demanded.
    pub level: Level,
    /// One row for each check, in the order of [`Check::ALL`].
    pub checks: Vec<CheckRow>,
    /// When the checkpoint says that it was made, by the operator's own cosignature. The operator's claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_time: Option<Timestamp>,
    /// The time that the quorum of witnesses vouches for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witnessed_time: Option<Timestamp>,
    /// What nothing here asserts.
    pub does_not_assert: Vec<Disclaimer>,
}

/// Collects the results of checks; a check that nobody recorded counts as not asked for.
#[derive(Debug, Clone)]
pub(in crate::ground) struct CheckRows {
    results: Vec<CheckRow>,
}

impl CheckRows {
    pub(in crate::ground) fn new() -> Self {
        let untouched = CheckResult::NotEvaluated(Absence::NotAsked);
        Self { results: Check::ALL.map(|check| CheckRow { check, result: untouched }).to_vec() }
    }

    pub(in crate::ground) fn record(&mut self, check: Check, result: CheckResult) {
        if let Some(row) = self.results.iter_mut().find(|row| row.check == check) {
            row.result = result;
        }
    }

    pub(in crate::ground) fn record_all(&mut self, checks: &[Check], result: CheckResult) {
        checks.iter().for_each(|check| self.record(*check, result));
    }

    pub(in crate::ground) fn record_outcome(&mut self, check: Check, outcome: Result<(), ProblemType>) {
        self.record(check, outcome.map_or_else(CheckResult::Fail, |()| CheckResult::Pass));
    }

    pub(in crate::ground) fn conclude(self, level: Level) -> Verdict {
        let fails = |row: &CheckRow| matches!(row.result, CheckResult::Fail(_)) && row.check.decides_from() <= level;
        let missing = |row: &CheckRow| {
            row.check.required_from().is_some_and(|from| from <= level) && row.result != CheckResult::Pass
        };
        let verdict = if self.results.iter().any(fails) {
            Conclusion::Invalid
        } else if self.results.iter().any(missing) {
            Conclusion::Undetermined
        } else {
            Conclusion::Valid
        };
        let does_not_assert = Disclaimer::ALL.to_vec();
        Verdict { verdict, level, checks: self.results, checkpoint_time: None, witnessed_time: None, does_not_assert }
    }
}

impl Verdict {
    /// The result of one check.
    pub fn result(&self, check: Check) -> CheckResult {
        let row = self.checks.iter().find(|row| row.check == check);
        row.map_or(CheckResult::NotEvaluated(Absence::NotAsked), |row| row.result)
    }

    /// The first failure that made the verdict invalid, in the order of checks.
    pub fn failure(&self) -> Option<(Check, ProblemType)> {
        self.checks.iter().find_map(|row| match row.result {
            CheckResult::Fail(problem) if row.check.decides_from() <= self.level => Some((row.check, problem)),
            _ => None,
        })
    }

    /// Whether the verdict would be `valid` but for this one failure.
    pub fn fails_only(&self, check: Check, problem: ProblemType) -> bool {
        let holds = |row: &CheckRow| match row.result {
            CheckResult::Pass => true,
            CheckResult::Fail(_) => row.check == check || row.check.decides_from() > self.level,
            CheckResult::NotEvaluated(_) => row.check.required_from().is_none_or(|from| from > self.level),
        };
        self.result(check) == CheckResult::Fail(problem) && self.checks.iter().all(holds)
    }

    /// Why the verdict is not `valid`, as one registered problem: the first failure, or what a required check lacks.
    pub fn problem(&self) -> Option<ProblemType> {
        let absent = || {
            self.checks.iter().find_map(|row| match row.result {
                CheckResult::NotEvaluated(absence)
                    if row.check.required_from().is_some_and(|from| from <= self.level) =>
                {
                    Some(absence.problem())
                }
                _ => None,
            })
        };
        self.failure().map(|(_, problem)| problem).or_else(absent)
    }
}

/// Things that readers might take a valid verdict for, and that it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclaimer {
    /// That the action was right, wanted or lawful.
    ActionWasRight,
    /// That the action happened: a decision speaks of permission, an outcome is its issuer's word.
    ActionHappened,
    /// That the issuer's policies are good, or were followed outside this call.
    PolicyIsGood,
    /// That nothing went past the node.
    NothingElseHappened,
    /// That identity facts marked `claimed` are true.
    ClaimedFactsAreTrue,
    /// That the issuer's own times are true, beyond what witnesses dated.
    IssuerTimesAreTrue,
}

impl Disclaimer {
    /// Every disclaimer.
    pub const ALL: [Self; 6] = [
        Self::ActionWasRight,
        Self::ActionHappened,
        Self::PolicyIsGood,
        Self::NothingElseHappened,
        Self::ClaimedFactsAreTrue,
        Self::IssuerTimesAreTrue,
    ];

    /// The sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ActionWasRight => "that the action was right, wanted or lawful",
            Self::ActionHappened => {
                "that the action happened: a decision speaks of permission, an outcome is its issuer's word"
            }
            Self::PolicyIsGood => "that the issuer's policies are good, or were followed outside this call",
            Self::NothingElseHappened => "that nothing else happened past the node",
            Self::ClaimedFactsAreTrue => "that identity facts marked as claimed are true",
            Self::IssuerTimesAreTrue => "that the issuer's own times are true, beyond what witnesses dated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(level: Level, results: &[(Check, CheckResult)]) -> Verdict {
        let mut findings = CheckRows::new();
        for (check, result) in results {
            findings.record(*check, *result);
        }
        findings.conclude(level)
    }

    fn signed() -> Vec<(Check, CheckResult)> {
        let all = Check::ALL.into_iter().filter(|check| check.required_from() == Some(Level::Signed));
        all.map(|check| (check, CheckResult::Pass)).collect()
    }

    #[test]
    fn every_check_has_a_row_in_order() {
        let rows: Vec<Check> = verdict(Level::Signed, &[]).checks.iter().map(|row| row.check).collect();
        assert_eq!(rows, Check::ALL);
    }

    #[test]
    fn a_missing_required_check_is_undetermined_and_a_failed_one_invalid() {
        for (check, _) in signed() {
            let mut results = signed();
            results.push((check, CheckResult::NotEvaluated(Absence::NotPinned)));
            assert_eq!(verdict(Level::Signed, &results).verdict, Conclusion::Undetermined, "{check}");
            results.push((check, CheckResult::Fail(ProblemType::SignatureInvalid)));
            assert_eq!(verdict(Level::Signed, &results).verdict, Conclusion::Invalid, "{check}");
        }
        assert_eq!(verdict(Level::Signed, &signed()).verdict, Conclusion::Valid);
    }

    #[test]
    fn the_level_names_the_checks_that_decide() {
        let mut results = signed();
        results.push((Check::Inclusion, CheckResult::Fail(ProblemType::InclusionInvalid)));
        assert_eq!(verdict(Level::Signed, &results).verdict, Conclusion::Valid);
        assert_eq!(verdict(Level::Included, &results).verdict, Conclusion::Invalid);
        let mut results = signed();
        results.extend([(Check::Inclusion, CheckResult::Pass), (Check::Checkpoint, CheckResult::Pass)]);
        assert_eq!(verdict(Level::Included, &results).verdict, Conclusion::Valid);
        assert_eq!(verdict(Level::Witnessed, &results).verdict, Conclusion::Undetermined);
        results.push((Check::Witnesses, CheckResult::Pass));
        assert_eq!(verdict(Level::Witnessed, &results).verdict, Conclusion::Valid);
    }

    #[test]
    fn one_failure_is_told_from_several() {
        let expired = |more: &[(Check, CheckResult)]| {
            let mut results = signed();
            results.push((Check::Freshness, CheckResult::Fail(ProblemType::Expired)));
            results.extend_from_slice(more);
            verdict(Level::Signed, &results).fails_only(Check::Freshness, ProblemType::Expired)
        };
        assert!(expired(&[]));
        assert!(expired(&[(Check::Head, CheckResult::Fail(ProblemType::HeadInconsistent))]));
        assert!(!expired(&[(Check::Target, CheckResult::Fail(ProblemType::TargetMismatch))]));
        assert!(!expired(&[(Check::Key, CheckResult::NotEvaluated(Absence::RevokedUndated))]));
        assert!(!expired(&[(Check::Freshness, CheckResult::Fail(ProblemType::NotYetValid))]));
        assert!(!verdict(Level::Signed, &signed()).fails_only(Check::Freshness, ProblemType::Expired));
    }

    #[test]
    fn checks_of_the_moment_decide_once_they_are_evaluated() {
        for check in [Check::Audience, Check::Freshness, Check::Target, Check::Body, Check::Replay, Check::Relation] {
            let mut results = signed();
            results.push((check, CheckResult::Fail(ProblemType::Expired)));
            let verdict = verdict(Level::Signed, &results);
            assert_eq!(verdict.verdict, Conclusion::Invalid);
            assert_eq!(verdict.failure(), Some((check, ProblemType::Expired)));
        }
    }
}
