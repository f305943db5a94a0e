use axum::http::{Method, Request};

use crate::{WATCH, grpc_web, new_app, sse, watch};

const ELSEWHERE: &str = "https://elsewhere.example";

#[tokio::test(start_paused = true)]
async fn a_page_from_elsewhere_may_call_with_what_grpc_web_sends() {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(WATCH)
        .header("origin", ELSEWHERE)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,grpc-timeout,x-grpc-web,x-user-agent",
        );
    let answer = sse_testkit::request(new_app(), request.body("").unwrap()).await;
    answer
        .expect_status(200)
        .expect_header("access-control-allow-origin", "*");
    let allowed = answer.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    for name in ["content-type", "grpc-timeout", "x-grpc-web", "x-user-agent"] {
        assert!(allowed.split(',').any(|allowed| allowed == name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_may_read_why_a_call_failed() {
    let nope = watch(&["NOPE"]);
    let answer = grpc_web(&new_app(), &nope)
        .header("origin", ELSEWHERE)
        .await;
    answer
        .expect_status(200)
        .expect_header("access-control-allow-origin", "*");
    let exposed = answer.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    for name in ["grpc-status", "grpc-message"] {
        assert!(exposed.split(',').any(|exposed| exposed == name), "{name}");
        assert!(answer.headers().contains_key(name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn its_event_source_may_read_too_and_reads_refusals() {
    let app = new_app();
    for (symbol, status) in [("ACME", 200), ("NOPE", 404)] {
        let answer = sse(&app, &watch(&[symbol]))
            .header("origin", ELSEWHERE)
            .await;
        answer
            .expect_status(status)
            .expect_header("access-control-allow-origin", "*");
    }
}
