//! What a check is, and what comes of it.

use std::pin::Pin;
use std::sync::Arc;

use super::Outcome;
use super::context::Context;

/// One demand on a server.
#[derive(Debug)]
pub(super) struct Check {
    /// A short name, for people who talk about it and for programs.
    pub(super) id: &'static str,
    /// What the server should do, as a sentence.
    pub(super) title: &'static str,
    /// What goes wrong otherwise.
    pub(super) why: &'static str,
    /// Where that is written.
    pub(super) source: &'static str,
    /// What the first answer must be like, for the check to make sense.
    pub(super) needs: Needs,
    /// Whether other streams that are opened or closed meanwhile would disturb it.
    pub(super) alone: bool,
    pub(super) run: fn(Arc<Context>) -> Checking,
}

pub(super) type Checking = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// What the first answer must be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// Anything, or nothing.
    Nothing,
    /// 200.
    Success,
    /// An event stream.
    Stream,
    /// An event stream that can be read: without a content coding.
    Readable,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) evidence: String,
    pub(super) hint: Option<&'static str>,
}

impl Verdict {
    pub(super) fn pass(evidence: impl Into<String>) -> Self {
        Self::new(Outcome::Pass, evidence, None)
    }

    pub(super) fn warn(evidence: impl Into<String>, hint: &'static str) -> Self {
        Self::new(Outcome::Warn, evidence, Some(hint))
    }

    pub(super) fn fail(evidence: impl Into<String>, hint: &'static str) -> Self {
        Self::new(Outcome::Fail, evidence, Some(hint))
    }

    /// A failure if the caller expects it, otherwise a warning.
    pub(super) fn short_of(
        expected: bool,
        evidence: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        match expected {
            true => Self::fail(evidence, hint),
            false => Self::warn(evidence, hint),
        }
    }

    /// A failure is no more than a warning.
    pub(super) fn allowed(mut self) -> Self {
        if self.outcome == Outcome::Fail {
            self.outcome = Outcome::Warn;
            self.evidence.insert_str(0, "allowed: ");
        }
        self
    }

    pub(super) fn not_applicable(reason: impl Into<String>) -> Self {
        Self::new(Outcome::NotApplicable, reason, None)
    }

    fn new(outcome: Outcome, evidence: impl Into<String>, hint: Option<&'static str>) -> Self {
        Self {
            outcome,
            evidence: shortened(evidence.into()),
            hint,
        }
    }
}

/// What a server sent may be megabytes; more than this is not read by anyone.
const READABLE: usize = 400;

fn shortened(mut evidence: String) -> String {
    if let Some((end, _)) = evidence.char_indices().nth(READABLE) {
        evidence.truncate(end);
        evidence.push('…');
    }
    evidence
}
