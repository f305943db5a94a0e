//! A report as people read it.

use std::fmt;

use super::{Finding, Outcome, Report};

/// A report with colours for a terminal, by [`Report::painted`].
#[derive(Debug, Clone, Copy)]
pub struct Painted<'a>(&'a Report);

impl Report {
    /// The report with ANSI colours.
    pub fn painted(&self) -> Painted<'_> {
        Painted(self)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, f, false)
    }
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f, true)
    }
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

fn write(report: &Report, f: &mut fmt::Formatter<'_>, paint: bool) -> fmt::Result {
    if let Some(error) = &report.error {
        return write!(f, "nothing could be checked: {error}");
    }
    writeln!(f, "{}\n", report.target)?;
    let ids = report.findings.iter().map(|it| it.id.len());
    let width = ids.max().unwrap_or_default();
    for finding in report.findings.iter().filter(|it| is_applicable(it)) {
        write_finding(finding, f, paint, width)?;
    }
    write_not_applicable(report, f, paint, width)?;
    let count = |outcome| report.count(outcome);
    write!(
        f,
        "\n{} passed, {} failed, {} warned, {} not applicable, in {:.1} s",
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::Warn),
        count(Outcome::NotApplicable),
        report.elapsed.as_secs_f64()
    )
}

fn write_finding(
    finding: &Finding,
    f: &mut fmt::Formatter<'_>,
    paint: bool,
    width: usize,
) -> fmt::Result {
    let (colour, plain) = colours(finding.outcome, paint);
    let (outcome, id) = (finding.outcome, finding.id);
    let evidence = OneLine(&finding.evidence);
    match finding.outcome {
        Outcome::Pass | Outcome::NotApplicable => {
            writeln!(f, "{colour}{outcome:<5}{plain} {id:<width$}  {evidence}")
        }
        Outcome::Fail | Outcome::Warn => {
            let (bold, dim) = if paint { (BOLD, DIM) } else { ("", "") };
            writeln!(
                f,
                "{colour}{outcome:<5}{plain} {bold}{id:<width$}{plain}  {}",
                finding.title
            )?;
            writeln!(f, "      saw   {evidence}")?;
            writeln!(f, "      why   {}", finding.why)?;
            if let Some(hint) = finding.hint {
                writeln!(f, "      mend  {hint}")?;
            }
            writeln!(f, "      {dim}see   {}{plain}", finding.source)
        }
    }
}

fn is_applicable(finding: &Finding) -> bool {
    finding.outcome != Outcome::NotApplicable
}

/// Once a reason, which is often that of many checks.
fn write_not_applicable(
    report: &Report,
    f: &mut fmt::Formatter<'_>,
    paint: bool,
    width: usize,
) -> fmt::Result {
    let findings = || report.findings.iter().filter(|it| !is_applicable(it));
    let (dim, plain) = colours(Outcome::NotApplicable, paint);
    let mut told = Vec::new();
    for reason in findings().map(|it| &it.evidence) {
        if told.contains(&reason) {
            continue;
        }
        told.push(reason);
        let ids = findings().filter(|it| it.evidence == *reason);
        let ids: Vec<_> = ids.map(|it| it.id).collect();
        let ids = ids.join(", ");
        let (outcome, reason) = (Outcome::NotApplicable, OneLine(reason));
        match ids.len() <= width {
            true => writeln!(f, "{dim}{outcome:<5}{plain} {ids:<width$}  {reason}")?,
            false => {
                writeln!(f, "{dim}{outcome:<5}{plain} {ids}")?;
                writeln!(f, "      {:<width$}  {reason}", "")?;
            }
        }
    }
    Ok(())
}

/// What begins and ends the colour of an outcome.
fn colours(outcome: Outcome, paint: bool) -> (&'static str, &'static str) {
    match (paint, outcome) {
        (false, _) => ("", ""),
        (true, Outcome::Pass) => (GREEN, PLAIN),
        (true, Outcome::Fail) => (RED, PLAIN),
        (true, Outcome::Warn) => (YELLOW, PLAIN),
        (true, Outcome::NotApplicable) => (DIM, PLAIN),
    }
}

/// What a server sent can hold anything, also what moves a terminal's cursor.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character.is_control() {
                true => write!(f, "{}", character.escape_default())?,
                false => fmt::Write::write_char(f, character)?,
            }
        }
        Ok(())
    }
}
