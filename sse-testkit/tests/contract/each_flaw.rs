//! Each flaw is caught by its check, and by no other.

use std::time::Duration;

use http::StatusCode;
use sse_testkit::contract::{self, Expectations, Outcome, Report, Target};

use super::server::{Flaw, LIMIT, ORIGIN, RETRY, Server};

const ALL: &[&str] = &[
    "status",
    "content-type",
    "content-length",
    "content-encoding",
    "cache-control",
    "buffering",
    "first-byte",
    "event-live",
    "format",
    "heartbeat",
    "retry",
    "end",
    "ids",
    "resume",
    "foreign-ids",
    "head",
    "cors",
    "cors-credentials",
    "preflight",
    "stop",
    "protocols",
    "empty-chunk",
    "disconnect",
    "limit",
];

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Everything that the server is documented to do.
fn documented(server: &Server) -> Expectations {
    Expectations::new()
        .resumable()
        .both_protocols()
        .heartbeat(millis(200))
        .retry(RETRY)
        .limit(LIMIT, StatusCode::TOO_MANY_REQUESTS)
        .cors_with_credentials(ORIGIN)
        .stats(Target::get(server.url("/stats")), "/streams/open")
        .produced_by(Target::post(server.url("/publish"), "hello"))
        .stopped(Target::get(server.url("/stopped")))
        .opening(millis(100))
        .prompt(millis(500))
        .observe(millis(900))
        .deadline(Duration::from_secs(60))
}

fn target(server: &Server) -> Target {
    Target::get(server.url("/events")).header("authorization", "Bearer test")
}

async fn checked(flaw: Flaw) -> Report {
    let server = Server::start(flaw).await;
    contract::check(target(&server), documented(&server)).await
}

#[tokio::test]
async fn a_server_that_keeps_the_contract_passes_every_check() {
    let report = checked(Flaw::None).await;
    report.assert_ok();
    let ids: Vec<_> = report.findings.iter().map(|it| it.id).collect();
    assert_eq!(ids, ALL);
    for finding in &report.findings {
        assert_eq!(finding.outcome, Outcome::Pass, "{report}");
    }
}

#[tokio::test]
async fn http2_is_checked_in_the_same_way() {
    let server = Server::start(Flaw::None).await;
    let report = contract::check(target(&server).http2(), documented(&server)).await;
    assert_eq!(report.count(Outcome::Pass), ALL.len(), "{report}");
    let protocols = report.finding("protocols").unwrap();
    assert_eq!(protocols.evidence, "the same over HTTP/1.1");
}

#[tokio::test]
async fn a_200_that_says_when_to_come_back_is_an_answer_to_one_stream_too_many() {
    let limited = async |flaw| {
        let server = Server::start(flaw).await;
        let expectations = documented(&server).limit(LIMIT, StatusCode::OK);
        contract::check(target(&server), expectations).await
    };
    let report = limited(Flaw::RetryLater).await;
    assert_eq!(report.count(Outcome::Pass), ALL.len(), "{report}");
    let report = limited(Flaw::EndsAtOnce).await;
    assert_eq!(report.count(Outcome::Pass), ALL.len() - 1, "{report}");
    let limit = report.finding("limit").unwrap();
    assert!(limit.evidence.contains("without a retry"), "{report}");
}

#[tokio::test]
async fn there_are_several_ways_to_keep_the_contract() {
    for way in [Flaw::StaticOrigin, Flaw::LineByLine] {
        let report = checked(way).await;
        assert_eq!(report.count(Outcome::Pass), ALL.len(), "{way:?}: {report}");
    }
}

#[tokio::test]
async fn a_stream_that_is_opened_by_a_post_is_checked_in_the_same_way() {
    let posted = async |flaw| {
        let server = Server::start(flaw).await;
        let target = Target::post(server.url("/events"), "{}");
        contract::check(target, documented(&server)).await
    };
    let report = posted(Flaw::None).await;
    assert_eq!(report.count(Outcome::Pass), ALL.len() - 1, "{report}");
    let head = report.finding("head").unwrap();
    assert_eq!(head.outcome, Outcome::NotApplicable, "{report}");
    let report = posted(Flaw::PreflightForGet).await;
    assert_eq!(report.count(Outcome::Pass), ALL.len() - 2, "{report}");
    let preflight = report.finding("preflight").unwrap();
    assert_eq!(preflight.outcome, Outcome::Fail, "{report}");
}

/// Browsers send text without asking, but not JSON.
#[tokio::test]
async fn a_preflight_is_demanded_only_where_a_browser_asks() {
    let preflight = async |body: &str| {
        let server = Server::start(Flaw::NoPreflight).await;
        let target = Target::post(server.url("/events"), body);
        let expectations = Expectations::new().cors(ORIGIN).observe(millis(100));
        let report = contract::check(target, expectations).await;
        report.finding("preflight").unwrap().outcome
    };
    assert_eq!(preflight("{}").await, Outcome::Fail);
    assert_eq!(preflight("hello").await, Outcome::Warn);
}

#[tokio::test]
async fn the_wildcard_does_not_stand_for_an_authorization() {
    let server = Server::start(Flaw::AnyHeader).await;
    let preflight = async |target| {
        let expectations = Expectations::new().cors(ORIGIN).observe(millis(100));
        let report = contract::check(target, expectations).await;
        report.finding("preflight").unwrap().outcome
    };
    assert_eq!(preflight(target(&server)).await, Outcome::Fail);
    let target = Target::get(server.url("/events")).header("x-tenant", "1");
    assert_eq!(preflight(target).await, Outcome::Pass);
}

#[tokio::test]
async fn the_wildcard_is_no_failure_where_no_cookies_are_expected() {
    let server = Server::start(Flaw::WildcardWithCookies).await;
    let expectations = Expectations::new().cors(ORIGIN).observe(millis(100));
    let report = contract::check(target(&server), expectations).await;
    let finding = |id| report.finding(id).unwrap().outcome;
    assert_eq!(finding("cors"), Outcome::Pass, "{report}");
    assert_eq!(finding("cors-credentials"), Outcome::Warn, "{report}");
}

#[tokio::test]
async fn a_client_that_only_a_heartbeat_misses_is_a_warning() {
    let server = Server::start(Flaw::NoticesLate).await;
    let expectations = documented(&server)
        .prompt(millis(50))
        .heartbeat(millis(700));
    let report = contract::check(target(&server), expectations).await;
    let finding = |id| report.finding(id).unwrap().outcome;
    assert_eq!(finding("disconnect"), Outcome::Warn, "{report}");
    assert_eq!(finding("limit"), Outcome::Pass, "{report}");
    report.assert_ok();
}

#[tokio::test]
async fn a_heartbeat_is_awaited_however_short_the_look() {
    let within = millis(300);
    for (flaw, outcome) in [
        (Flaw::NoHeartbeat, Outcome::Fail),
        (Flaw::None, Outcome::Pass),
    ] {
        let server = Server::start(flaw).await;
        let expectations = Expectations::new().heartbeat(within).observe(millis(10));
        let report = contract::check(target(&server), expectations).await;
        assert!(report.elapsed >= 2 * within, "{report}");
        let heartbeat = report.finding("heartbeat").unwrap();
        assert_eq!(heartbeat.outcome, outcome, "{report}");
    }
}

#[tokio::test]
async fn what_nobody_expects_is_not_demanded() {
    let server = Server::start(Flaw::NeverResumes).await;
    let expectations = Expectations::new()
        .produced_by(Target::post(server.url("/publish"), "hello"))
        .observe(millis(200));
    let report = contract::check(target(&server), expectations).await;
    report.assert_ok();
    // A browser comes back with the id whether or not anybody expects it.
    assert_eq!(report.finding("resume").unwrap().outcome, Outcome::Warn);
    for id in [
        "cors",
        "cors-credentials",
        "preflight",
        "stop",
        "disconnect",
        "limit",
    ] {
        let finding = report.finding(id).unwrap();
        assert_eq!(finding.outcome, Outcome::NotApplicable, "{report}");
    }
}

macro_rules! caught {
    ($($name:ident: $flaw:ident by $id:literal as $outcome:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            let report = checked(Flaw::$flaw).await;
            let caught: Vec<_> = report
                .findings
                .iter()
                .filter(|it| matches!(it.outcome, Outcome::Fail | Outcome::Warn))
                .map(|it| (it.id, it.outcome))
                .collect();
            assert_eq!(caught, [($id, Outcome::$outcome)], "{report}");
        })*

        #[test]
        fn every_check_catches_something() {
            let catching = [$($id),*];
            let idle: Vec<_> = ALL.iter().filter(|id| !catching.contains(id)).collect();
            assert!(idle.is_empty(), "{idle:?}");
        }
    };
}

caught! {
    another_status_than_200: Created by "status" as Fail;
    a_charset_that_is_not_utf8: Latin1 by "content-type" as Fail;
    a_length: Length by "content-length" as Fail;
    compression_that_holds_events: HeldByGzip by "content-encoding" as Fail;
    compression_that_comes_late: LateBrotli by "content-encoding" as Fail;
    compression_that_is_flushed: FlushedBrotli by "content-encoding" as Warn;
    permission_to_store_the_stream: Cacheable by "cache-control" as Fail;
    silence_about_buffering: Buffered by "buffering" as Warn;
    a_late_head: LateHead by "first-byte" as Fail;
    events_that_wait_for_the_next: OneEventBehind by "event-live" as Fail;
    blank_lines_that_wait_for_the_next_event: BlankLineBehind by "event-live" as Fail;
    bytes_that_are_no_utf8: NoUtf8 by "format" as Fail;
    events_without_data: NoData by "format" as Warn;
    silence: NoHeartbeat by "heartbeat" as Fail;
    heartbeats_that_are_events: Ping by "heartbeat" as Fail;
    no_reconnection_time: NoRetry by "retry" as Fail;
    a_response_that_breaks_off: BreaksOff by "end" as Fail;
    an_event_without_an_id: OneWithoutId by "ids" as Warn;
    events_without_ids: NoIds by "ids" as Fail;
    an_id_that_is_ignored: NeverResumes by "resume" as Fail;
    an_event_that_comes_again: RepeatsOne by "resume" as Fail;
    the_last_event_that_comes_again: RepeatsLast by "resume" as Fail;
    events_that_all_come_twice: RepeatsAll by "resume" as Fail;
    a_strange_id_that_breaks_the_stream: StumblesOverIds by "foreign-ids" as Fail;
    a_strange_id_that_is_refused: RefusesIds by "foreign-ids" as Fail;
    head_that_fails: HeadFails by "head" as Fail;
    an_origin_that_is_not_allowed: NoOrigin by "cors" as Fail;
    origins_that_are_all_allowed: AnyOrigin by "cors-credentials" as Fail;
    the_wildcard_together_with_cookies: WildcardWithCookies by "cors-credentials" as Fail;
    a_preflight_that_allows_no_cookies: PreflightWithoutCookies by "preflight" as Fail;
    a_preflight_that_is_refused: NoPreflight by "preflight" as Fail;
    a_client_that_is_not_stopped: NeverStops by "stop" as Fail;
    another_answer_over_http2: OtherOverHttp2 by "protocols" as Fail;
    an_empty_event_that_ends_the_stream: EmptyEnds by "empty-chunk" as Fail;
    clients_that_still_count: KeepsTheGone by "disconnect" as Fail;
    a_limit_that_does_not_hold: NoLimit by "limit" as Fail;
}
