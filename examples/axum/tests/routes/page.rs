use crate::new_app;

#[tokio::test(start_paused = true)]
async fn the_page_needs_nothing_from_outside() {
    let app = new_app().await;
    let mut page = sse_testkit::get(app.clone(), "/").await;
    page.expect_status(200)
        .expect_header("content-type", "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let html = page.body_text().await;
    let mut uses = html.clone();
    for (file, kind) in [
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/connection.js", "text/javascript; charset=utf-8"),
        ("/dom.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
    ] {
        assert!(uses.contains(&format!("{file}\"")), "{file} is not used");
        let mut part = sse_testkit::get(app.clone(), file).await;
        part.expect_status(200).expect_header("content-type", kind);
        let text = part.body_text().await;
        assert!(!text.contains("://"), "{file} names another host");
        assert!(!text.contains("innerHTML"), "{file} writes HTML");
        assert!(!uses.contains(&text), "{file} is another file");
        uses += &text;
    }
    let outside = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("://"), "the page names another host");
}

#[tokio::test(start_paused = true)]
async fn there_is_no_other_page() {
    sse_testkit::get(new_app().await, "/nothing")
        .await
        .expect_status(404);
}
