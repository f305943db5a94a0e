//! The suite itself: its checks see what they are for.

use sse_layer::conformance::{self, CHECKS, Check};

use crate::{
    InMemory,
    broken::{Broken, FAULTS, Fault},
};

#[tokio::test(start_paused = true)]
async fn each_fault_is_seen_by_the_checks_that_are_for_it() {
    let mut unseen = Vec::new();
    for (fault, checks) in FAULTS {
        for name in *checks {
            let check = Check::named(name).expect("a check of this name");
            match check.run(&Broken::by(*fault)).await {
                Ok(()) => unseen.push(format!("{fault:?} by {name}")),
                Err(failed) => println!("{fault:?}: {name}: {failed}"),
            }
        }
    }
    assert!(unseen.is_empty(), "not seen: {unseen:#?}");
}

#[test]
fn there_is_a_fault_for_each_check() {
    let are_seen = |check: &Check| {
        FAULTS
            .iter()
            .any(|(_, checks)| checks.contains(&check.name()))
    };
    let without: Vec<&Check> = CHECKS.iter().filter(|check| !are_seen(check)).collect();
    assert!(without.is_empty(), "no fault for {without:?}");
}

#[tokio::test(start_paused = true)]
async fn a_report_names_what_failed_and_why() {
    let report = conformance::run(&InMemory::default()).await;
    assert!(report.is_passed(), "{report}");

    let report = conformance::run(&Broken::by(Fault::TrimsKeys)).await;
    assert!(!report.is_passed());
    insta::assert_snapshot!(report);
}
