use std::collections::BTreeSet;

use axum::Router;

use crate::new_app;

const FILES: [(&str, &str); 6] = [
    ("/app.js", "text/javascript; charset=utf-8"),
    ("/face.js", "text/javascript; charset=utf-8"),
    ("/grpc-web.js", "text/javascript; charset=utf-8"),
    ("/prices.js", "text/javascript; charset=utf-8"),
    ("/protobuf.js", "text/javascript; charset=utf-8"),
    ("/style.css", "text/css; charset=utf-8"),
];

async fn text(app: &Router, path: &str, kind: &str) -> String {
    let mut file = sse_testkit::get(app.clone(), path).await;
    file.expect_status(200).expect_header("content-type", kind);
    file.body_text().await
}

#[tokio::test(start_paused = true)]
async fn the_page_needs_nothing_from_outside() {
    let app = new_app();
    let page = sse_testkit::get(app.clone(), "/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");

    let html = text(&app, "/", "text/html; charset=utf-8").await;
    let outside = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("://"), "the page names another host");
    let mut all = html;
    for (file, kind) in FILES {
        let text = text(&app, file, kind).await;
        assert!(!text.contains("://"), "{file} names another host");
        assert!(!text.contains("innerHTML"), "{file} writes HTML");
        all += &text;
    }
    for (file, _) in FILES {
        assert!(all.contains(&format!("\"{file}\"")), "{file} is not used");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_page_asks_for_is_there() {
    let app = new_app();
    let mut asked = BTreeSet::new();
    for (file, kind) in FILES {
        let text = text(&app, file, kind).await;
        asked.extend(
            text.split(['"', '`', '?'])
                .filter(|part| is_path(part))
                .map(str::to_owned),
        );
    }
    for path in ["/prices.v1.Prices/Watch", "/sse/prices", "/sse/stats"] {
        assert!(asked.contains(path), "{path} is not among {asked:?}");
    }
    for path in asked {
        let answer = sse_testkit::get(app.clone(), &path).await;
        assert_ne!(answer.status(), 404, "{path}");
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text[1..].starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.contains(char::is_whitespace)
}

#[tokio::test(start_paused = true)]
async fn the_script_reads_a_message_into_the_fields_that_its_json_has() {
    // Both halves of the page show the same object.
    let app = new_app();
    let mut sse = sse_testkit::get(app.clone(), "/sse/prices?symbols=ACME&count=1").await;
    let price: serde_json::Value = sse.expect_event("price").await.json();
    let script = text(&app, "/prices.js", "text/javascript; charset=utf-8").await;
    for name in price.as_object().unwrap().keys() {
        assert!(script.contains(&format!("price.{name}")), "{name}");
    }
}
