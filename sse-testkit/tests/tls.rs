//! Servers behind TLS, read by the library's client.
#![allow(clippy::unwrap_used, reason = "also outside of the test functions")]
#![cfg(all(feature = "mock", feature = "tls"))]

#[cfg(feature = "cli")]
#[allow(dead_code, reason = "each test file needs a part of it")]
mod command;
#[path = "tls/mod.rs"]
mod front;

use std::time::Duration;

use sse_testkit::chaos::{self, ChaosProxy};
use sse_testkit::mock::{MockServer, Script, event, message};
use sse_testkit::{Reconnect, Seen, connect};

use self::front::{Front, Identity};

/// A stream of one event, behind TLS; and what to trust.
async fn server(identity: Identity, protocols: &[&str]) -> (MockServer, Front, String) {
    let stream = Script::new().event(event("tick").id("1").data("one"));
    let mock = MockServer::scripts([stream.clone(), stream]).start().await;
    let root = identity.root.clone();
    let front = Front::start(mock.address(), identity, protocols).await;
    (mock, front, root)
}

#[tokio::test]
async fn a_stream_is_read_over_both_protocols() {
    let (mock, front, root) = server(Identity::signed("localhost"), &["h2", "http/1.1"]).await;
    let url = front.url("localhost", "/ticks");
    let mut sse = connect(&url).root_certificate(&root).await;
    sse.expect_event("tick").text("one").await;
    sse.expect_end().await;
    let mut sse = connect(&url).root_certificate(&root).http2().await;
    sse.expect_event("tick").text("one").await;
    sse.expect_end().await;
    assert_eq!(sse.reconnect().await, Reconnect::Stopped);

    let requests = mock.requests();
    let versions: Vec<_> = requests.iter().map(|it| it.version).collect();
    let (http1, http2) = (http::Version::HTTP_11, http::Version::HTTP_2);
    assert_eq!(versions, [http1, http2, http2]);
    assert_eq!(requests[0].headers["host"], *front_authority(&url));
    assert_eq!(requests[1].uri.authority().unwrap(), front_authority(&url));
    assert_eq!(requests[2].last_event_id(), Some("1"));
}

fn front_authority(url: &str) -> &str {
    url.trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap()
}

#[tokio::test]
async fn a_server_is_trusted_by_its_own_certificate() {
    for host in ["localhost", "127.0.0.1"] {
        let (_mock, front, root) = server(Identity::self_signed(host), &[]).await;
        let request = connect(front.url(host, "/")).root_certificate(&root);
        request.await.expect_event("tick").await;
        // Also among others.
        let many = format!("{}\n{root}", Identity::signed("elsewhere.test").root);
        let request = connect(front.url(host, "/")).root_certificate(many);
        request.await.expect_event("tick").await;
    }
}

/// What becomes of a request that fails, and that nothing has come to the server.
async fn refused(mock: &MockServer, url: &str, root: Option<&str>) -> String {
    let mut request = connect(url);
    if let Some(root) = root {
        request = request.root_certificate(root);
    }
    let error = request.await.expect_error().await;
    assert_eq!(mock.requests().len(), 0, "{error}");
    error
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    for identity in [
        Identity::signed("elsewhere.test"),
        Identity::self_signed("elsewhere.test"),
    ] {
        let (mock, front, root) = server(identity, &["http/1.1"]).await;
        let error = refused(&mock, &front.url("localhost", "/"), Some(&root)).await;
        assert!(
            error.contains("not valid for name \"localhost\""),
            "{error}"
        );
        assert!(error.contains("elsewhere.test"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused_with_what_to_do() {
    let (mock, front, _) = server(Identity::signed("localhost"), &["http/1.1"]).await;
    let url = front.url("localhost", "/");
    let other = Identity::signed("localhost").root;
    for root in [None, Some(&*other)] {
        let error = refused(&mock, &url, root).await;
        assert!(error.contains("--ca or root_certificate()"), "{error}");
    }
    // The certificate of another server of the same name.
    let (mock, front, _) = server(Identity::self_signed("localhost"), &["http/1.1"]).await;
    let url = front.url("localhost", "/");
    let other = Identity::self_signed("localhost").root;
    for root in [None, Some(&*other)] {
        let error = refused(&mock, &url, root).await;
        assert!(error.contains("--ca or root_certificate()"), "{error}");
    }
}

/// A browser may try again only what a further attempt can change.
#[tokio::test]
async fn a_client_does_not_come_back_to_a_server_that_it_can_not_trust() {
    let (_mock, front, _) = server(Identity::signed("localhost"), &["http/1.1"]).await;
    let mut watch = connect(front.url("localhost", "/")).watch();
    let mut told = Vec::new();
    while let Some(sighting) = watch.next().await {
        told.push(sighting.seen);
    }
    let [
        Seen::Request { .. },
        Seen::Error(_),
        Seen::GaveUp(Reconnect::Unreachable),
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_is_told() {
    for protocols in [&["http/1.1"][..], &[]] {
        let (mock, front, root) = server(Identity::signed("localhost"), protocols).await;
        let request = connect(front.url("localhost", "/")).http2();
        let mut sse = request.root_certificate(&root).await;
        let error = sse.expect_error().await;
        assert!(error.ends_with("it does not speak HTTP/2"), "{error}");
        assert_eq!(mock.requests().len(), 0);
    }
    let (mock, front, root) = server(Identity::signed("localhost"), &["h2"]).await;
    let error = refused(&mock, &front.url("localhost", "/"), Some(&root)).await;
    assert!(error.ends_with("it does not speak HTTP/1.1"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let mock = MockServer::scripts([]).start().await;
    let url = format!("https://{}/", mock.address());
    let error = refused(&mock, &url, None).await;
    assert!(error.contains("is its address an http:// one?"), "{error}");
}

#[tokio::test]
async fn what_is_no_certificate_is_told() {
    for (pem, why) in [
        ("hello", "no BEGIN CERTIFICATE"),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "no root certificate in PEM",
        ),
        (
            "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
            "no root certificate in PEM",
        ),
    ] {
        let mut sse = connect("https://localhost/").root_certificate(pem).await;
        let error = sse.expect_error().await;
        assert!(error.contains(why), "{error}");
    }
}

/// The proxy passes bytes on, whatever they mean, and what it does to them is seen through TLS.
#[tokio::test]
async fn tls_goes_through_the_chaos_proxy() {
    let stream = Script::new().event(message("first")).stall();
    let mock = MockServer::scripts([stream.clone(), stream]).start().await;
    let identity = Identity::signed("localhost");
    let root = identity.root.clone();
    let front = Front::start(mock.address(), identity, &["h2", "http/1.1"]).await;
    let proxy = ChaosProxy::start(front.address()).await.unwrap();
    proxy.to_client(chaos::split_every(7));
    let url = format!("https://localhost:{}/", proxy.address().port());
    for http2 in [false, true] {
        let mut request = connect(&url).root_certificate(&root);
        if http2 {
            request = request.http2();
        }
        let mut sse = request.await;
        sse.expect_message().text("first").await;
        sse.expect_idle(Duration::from_millis(50)).await;
        proxy.cut();
        sse.expect_error().await;
    }
}

#[cfg(feature = "cli")]
mod contract {
    use std::convert::Infallible;

    use axum::Router;
    use axum::response::sse::{Event, KeepAlive, Sse};
    use axum::routing::get;
    use futures_util::{StreamExt as _, stream};
    use sse_testkit::contract::{self, Expectations, Outcome, Target};
    use tokio::net::TcpListener;

    use super::command::run;
    use super::{Duration, Front, Identity};

    /// A stream of axum's, behind TLS.
    async fn server(identity: Identity) -> Front {
        let hello = || async {
            let hello = stream::iter([Ok::<_, Infallible>(Event::default().data("hello"))]);
            Sse::new(hello.chain(stream::pending())).keep_alive(KeepAlive::new())
        };
        let app = Router::new().route("/events", get(hello));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Front::start(address, identity, &["h2", "http/1.1"]).await
    }

    #[tokio::test]
    async fn a_server_is_checked_behind_tls() {
        let identity = Identity::signed("localhost");
        let root = identity.root.clone();
        let front = server(identity).await;
        let url = front.url("localhost", "/events");
        let expectations = || {
            let short = Expectations::new().observe(Duration::from_millis(300));
            short.both_protocols()
        };
        let target = Target::get(&url).root_certificate(&root);
        for (target, other) in [(target.clone(), "h2"), (target.http2(), "HTTP/1.1")] {
            let report = contract::check(target, expectations()).await;
            report.assert_ok();
            // This one looks at the bytes behind TLS, that one speaks both protocols.
            for (id, evidence) in [
                ("head", "the same headers, and no body".to_owned()),
                ("protocols", format!("the same over {other}")),
            ] {
                let finding = report.findings.iter().find(|it| it.id == id).unwrap();
                assert_eq!(finding.outcome, Outcome::Pass, "{report}");
                assert_eq!(finding.evidence, evidence);
            }
        }
        let report = contract::check(Target::get(&url), expectations()).await;
        let error = report.error.unwrap();
        assert!(error.contains("root_certificate()"), "{error}");

        let file = std::env::temp_dir().join(format!("sse-testkit-root-{}", std::process::id()));
        std::fs::write(&file, &root).unwrap();
        let args = ["contract", &url, "--observe", "300ms"];
        let outcome = run(&[&args[..], &["--ca", file.to_str().unwrap()]].concat()).await;
        std::fs::remove_file(file).unwrap();
        assert_eq!(outcome.code(), Some(0), "{}", outcome.text());
        let outcome = run(&args).await;
        assert_eq!(outcome.code(), Some(2), "{}", outcome.text());
        assert!(outcome.stderr.contains("--ca"), "{}", outcome.stderr);
    }
}
