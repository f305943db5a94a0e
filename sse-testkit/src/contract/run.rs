//! Running the checks: at the same time where they don't disturb each other, and never for ever.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::check::{Check, Verdict};
use super::checks::CHECKS;
use super::context::{Context, First};
use super::expectations::SLACK;
use super::observation::{Observation, observe};
use super::probe::{Answer, NoAnswer, Probe};
use super::progress::Progress;
use super::report::{Finding, Report};
use super::target::Parts;
use super::{Expectations, Target};
use crate::clock::Clock;

pub(super) async fn run(
    target: Target,
    expectations: Expectations,
    mut progress: impl FnMut(Progress<'_>) + Send,
) -> Report {
    if let Ok(clock) = Clock::choose(true) {
        clock.enter().await;
    }
    let started = Instant::now();
    let (target, producer) = match prepared(target, &expectations) {
        Ok(prepared) => prepared,
        Err(reason) => return Report::not_run(None, reason),
    };
    let deadline = started + expectations.all_within();
    let probe = Probe::new(target.clone(), &expectations);
    let first = match timeout_at(deadline, probe.open(probe.ask())).await {
        Ok(first) => first,
        Err(_) => Err(NoAnswer::TooLate(expectations.all_within())),
    };
    let first = match first {
        Err(late @ NoAnswer::TooLate(_)) => Err(probe.unreachable().await.unwrap_or(late)),
        first => first,
    };
    if let Err(NoAnswer::Unreachable(reason)) = first {
        return Report::not_run(Some(&target), reason);
    }
    progress(Progress::Observing {
        about: expectations.observed_for(),
        checks: CHECKS.len(),
    });

    let (seen, observation) = watch::channel(None);
    let context = Arc::new(Context {
        probe,
        first: first.as_ref().map(First::of).map_err(Clone::clone),
        expectations,
        observation,
    });
    let mut running = Running {
        context: Arc::clone(&context),
        deadline,
        findings: Vec::new(),
        progress,
    };
    let mut looking = JoinSet::new();
    if let Ok(answer) = first {
        looking.spawn(look(answer, producer, Arc::clone(&context), seen));
    } else {
        drop(seen);
    }
    running.all(CHECKS.iter().filter(|it| !it.alone)).await;
    // Whoever is alone must not have this stream beside it.
    looking.shutdown().await;
    for check in CHECKS.iter().filter(|it| it.alone) {
        running.all([check]).await;
    }
    let order = |finding: &Finding| CHECKS.iter().position(|it| it.id == finding.id);
    running.findings.sort_by_key(order);
    Report::new(&target, running.findings, started.elapsed())
}

/// What is to be sent, or what is wrong with it.
fn prepared(target: Target, expectations: &Expectations) -> Result<(Parts, Option<Parts>), String> {
    let is_check = |id: &String| CHECKS.iter().any(|it| it.id == id);
    if let Some(id) = expectations.allowed.iter().find(|id| !is_check(id)) {
        return Err(format!(
            "there is no check {id:?} that could be allowed to fail"
        ));
    }
    let others = [
        expectations.stopped.clone(),
        expectations.stats.as_ref().map(|it| it.from.clone()),
    ];
    for other in others.into_iter().flatten() {
        other.into_parts()?;
    }
    let producer = expectations.produced_by.clone();
    let producer = producer.map(Target::into_parts).transpose()?;
    Ok((target.into_parts()?, producer))
}

async fn look(
    answer: Answer,
    producer: Option<Parts>,
    context: Arc<Context>,
    seen: watch::Sender<Option<Arc<Observation>>>,
) {
    let observation = observe(answer, &context.probe, producer, &context.expectations).await;
    seen.send_replace(Some(Arc::new(observation)));
}

struct Running<P> {
    context: Arc<Context>,
    deadline: Instant,
    findings: Vec<Finding>,
    progress: P,
}

impl<P: FnMut(Progress<'_>) + Send> Running<P> {
    /// Runs these checks at the same time.
    async fn all(&mut self, checks: impl IntoIterator<Item = &'static Check>) {
        // What is not applicable says so at once, even when the time is over.
        let deadline = self.deadline.max(Instant::now() + SLACK);
        let mut tasks = JoinSet::new();
        let mut running: HashMap<Id, &'static Check> = HashMap::new();
        for check in checks {
            match self.context.lacks(check.needs) {
                Some(verdict) => self.done(check, verdict),
                None => {
                    let task = tasks.spawn((check.run)(Arc::clone(&self.context)));
                    running.insert(task.id(), check);
                }
            }
        }
        while let Ok(Some(done)) = timeout_at(deadline, tasks.join_next_with_id()).await {
            let (id, verdict) = match done {
                Ok((id, verdict)) => (id, verdict),
                Err(error) => (error.id(), broken_down(&error)),
            };
            if let Some(check) = running.remove(&id) {
                self.done(check, verdict);
            }
        }
        let mut late: Vec<_> = running.into_values().collect();
        late.sort_by_key(|check| check.id);
        for check in late {
            let evidence = format!(
                "it was not done when {:?} were over",
                self.context.expectations.all_within()
            );
            let hint = "The server answers too slowly, or the run needs a longer deadline.";
            self.done(check, Verdict::fail(evidence, hint));
        }
    }

    fn done(&mut self, check: &'static Check, verdict: Verdict) {
        let allowed = &self.context.expectations.allowed;
        let verdict = match allowed.iter().any(|id| id == check.id) {
            true => verdict.allowed(),
            false => verdict,
        };
        let finding = Finding::new(check, verdict);
        (self.progress)(Progress::Done(&finding));
        self.findings.push(finding);
    }
}

fn broken_down(error: &JoinError) -> Verdict {
    let hint = "This is a defect of sse-testkit, not of the server.";
    Verdict::fail(format!("the check itself broke down: {error}"), hint)
}
