//! How an engine did.

use std::fmt;

use super::{checks::Check, failed::Failed};

/// Which checks an engine has passed and which not. Displayed, it is a line a check.
#[derive(Debug, Default)]
pub struct Report {
    outcomes: Vec<(Check, Result<Option<&'static str>, Failed>)>,
}

impl Report {
    pub(super) fn note(&mut self, check: Check, outcome: Result<Option<&'static str>, Failed>) {
        self.outcomes.push((check, outcome));
    }

    /// Whether all checks passed, or passed unseen since what they are for is not there.
    pub fn is_passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The checks that passed unseen, and why: what they are for is not there.
    pub fn unseen(&self) -> impl Iterator<Item = (Check, &'static str)> {
        self.outcomes
            .iter()
            .filter_map(|(check, outcome)| Some((*check, (*outcome.as_ref().ok()?)?)))
    }

    /// The checks that did not pass, and why.
    pub fn failed(&self) -> impl Iterator<Item = (Check, &Failed)> {
        self.outcomes
            .iter()
            .filter_map(|(check, outcome)| Some((*check, outcome.as_ref().err()?)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (check, outcome) in &self.outcomes {
            match outcome {
                Ok(None) => writeln!(f, "ok      {}", check.name())?,
                Ok(Some(why)) => writeln!(f, "unseen  {}: {why}", check.name())?,
                Err(failed) => {
                    writeln!(f, "FAILED  {}", check.name())?;
                    writeln!(f, "        {}", check.proves())?;
                    writeln!(f, "        {failed}")?;
                }
            }
        }
        let failed = self.failed().count();
        let unseen = self.unseen().count();
        let passed = self.outcomes.len() - failed - unseen;
        write!(f, "{passed} passed, {failed} failed, {unseen} unseen")
    }
}
