//! What came of the checks, for people and for programs.

mod display;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

pub use self::display::Painted;
use super::check::{Check, Verdict};
use super::target::Parts;

/// What came of the checks of one target.
///
/// It is `Display` for people and `Serialize` for programs.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What was checked; empty if that could not even be sent.
    pub target: String,
    /// Why nothing was checked.
    pub error: Option<String>,
    /// One finding a check, in the order of the table.
    pub findings: Vec<Finding>,
    /// How long all of it took.
    #[serde(rename = "elapsed_ms", serialize_with = "millis")]
    pub elapsed: Duration,
}

/// What one check found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The check's short name.
    pub id: &'static str,
    /// What the server should do.
    pub title: &'static str,
    /// Whether it does.
    pub outcome: Outcome,
    /// What was seen, or why the check is not applicable.
    pub evidence: String,
    /// What goes wrong otherwise.
    pub why: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// How to mend it, where there is something to mend.
    pub hint: Option<&'static str>,
}

/// Whether a server does what a check asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It does.
    Pass,
    /// It does not, and that is against a specification or against what it is documented to do.
    Fail,
    /// It does not do what practice recommends.
    Warn,
    /// The server does not offer it, or it could not be seen.
    NotApplicable,
}

impl Report {
    pub(super) fn new(target: &Parts, findings: Vec<Finding>, elapsed: Duration) -> Self {
        Self {
            target: target.to_string(),
            error: None,
            findings,
            elapsed,
        }
    }

    pub(super) fn not_run(target: Option<&Parts>, reason: String) -> Self {
        Self {
            target: target.map(ToString::to_string).unwrap_or_default(),
            error: Some(reason),
            findings: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Whether the checks could be run, and none failed. Warnings are no failures.
    pub fn is_ok(&self) -> bool {
        self.error.is_none() && self.count(Outcome::Fail) == 0
    }

    /// Panics with the whole report unless it [is ok](Self::is_ok).
    ///
    /// # Panics
    ///
    /// If a check failed, or none could be run.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert!(self.is_ok(), "the contract is not kept\n\n{self}");
    }

    /// How many checks came out like this.
    pub fn count(&self, outcome: Outcome) -> usize {
        let findings = self.findings.iter();
        findings.filter(|it| it.outcome == outcome).count()
    }

    /// The finding of the check with this short name.
    pub fn finding(&self, id: &str) -> Option<&Finding> {
        self.findings.iter().find(|it| it.id == id)
    }
}

impl Finding {
    pub(super) fn new(check: &'static Check, verdict: Verdict) -> Self {
        Self {
            id: check.id,
            title: check.title,
            outcome: verdict.outcome,
            evidence: verdict.evidence,
            why: check.why,
            source: check.source,
            hint: verdict.hint,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Warn => "warn",
            Self::NotApplicable => "n/a",
        })
    }
}

fn millis<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
