//! Authentication, in front of the layer and behind it.

use std::future::{Ready, ready};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use sse_testkit::get;
use tower_http::{
    auth::AsyncRequireAuthorizationLayer, validate_request::ValidateRequestHeaderLayer,
};

use crate::app::Watched;

const WHO: &str = "who are you?";

fn is_known(request: &Request) -> bool {
    request.headers().contains_key("authorization")
}

fn turned_away() -> Response {
    let challenge = [("www-authenticate", "Bearer")];
    (StatusCode::UNAUTHORIZED, challenge, WHO).into_response()
}

#[expect(clippy::result_large_err, reason = "the form that tower-http asks for")]
fn validate(request: &mut Request) -> Result<(), Response> {
    is_known(request).then_some(()).ok_or_else(turned_away)
}

fn authorize(request: Request) -> Ready<Result<Request, Response>> {
    ready(if is_known(&request) {
        Ok(request)
    } else {
        Err(turned_away())
    })
}

async fn check(request: Request, next: Next) -> Response {
    if is_known(&request) {
        next.run(request).await
    } else {
        turned_away()
    }
}

/// The same check, in each of the forms that users write it in.
fn in_every_form(app: &Router) -> [Router; 3] {
    [
        app.clone()
            .layer(ValidateRequestHeaderLayer::custom(validate)),
        app.clone()
            .layer(AsyncRequireAuthorizationLayer::new(authorize)),
        app.clone().layer(from_fn(check)),
    ]
}

async fn expect_turned_away(app: Router) {
    let mut stranger = get(app, "/").await;
    stranger
        .expect_status(401)
        .expect_header("www-authenticate", "Bearer")
        .expect_header("content-type", "text/plain; charset=utf-8")
        .expect_header("content-length", &WHO.len().to_string());
    for ours in ["x-accel-buffering", "cache-control"] {
        stranger.expect_no_header(ours);
    }
    assert_eq!(stranger.body_text().await, WHO);
}

async fn expect_let_in(app: Router, watched: &Watched) {
    let calls = watched.calls();
    let mut known = get(app, "/").header("authorization", "Bearer me").await;
    known.expect_message().text("first").await;
    assert_eq!((watched.calls(), watched.limit.current()), (calls + 1, 1));
}

#[tokio::test]
async fn in_front_of_the_layer_it_turns_strangers_away_before_the_limit_sees_them() {
    let watched = Watched::new(1);
    for app in in_every_form(&watched.routes().layer(watched.layer())) {
        let before = watched.limit.peak();
        expect_turned_away(app.clone()).await;
        watched.expect_all_given_back(before);
        expect_let_in(app, &watched).await;
    }
    assert_eq!(watched.calls(), 3);
}

#[tokio::test]
async fn behind_the_layer_a_stranger_gives_the_permit_back_with_the_401() {
    for form in 0..3 {
        let watched = Watched::new(1);
        let app = in_every_form(&watched.routes())[form]
            .clone()
            .layer(watched.layer());
        // The response is not yet read, and the permit free all the same.
        let held = get(app.clone(), "/").await;
        held.expect_status(401);
        watched.expect_all_given_back(1);
        expect_turned_away(app.clone()).await;
        assert_eq!(watched.calls(), 0);
        watched.expect_all_given_back(1);
        expect_let_in(app, &watched).await;
    }
}

#[tokio::test]
async fn a_slow_check_behind_the_layer_holds_a_permit_and_in_front_of_it_none() {
    async fn slow_check(request: Request, next: Next) -> Response {
        tokio::time::sleep(crate::app::secs(3)).await;
        check(request, next).await
    }
    for (is_in_front, held) in [(true, 0), (false, 1)] {
        let watched = Watched::new(1);
        let app = if is_in_front {
            watched
                .routes()
                .layer(watched.layer())
                .layer(from_fn(slow_check))
        } else {
            watched
                .routes()
                .layer(from_fn(slow_check))
                .layer(watched.layer())
        };
        let request = tokio::spawn(async { get(app, "/").await.status() });
        tokio::task::yield_now().await;
        assert_eq!(watched.limit.current(), held);
        assert_eq!(request.await.unwrap(), StatusCode::UNAUTHORIZED);
        watched.expect_all_given_back(held);
    }
}

#[tokio::test]
async fn over_the_limit_a_stranger_is_told_401_in_front_of_the_layer_and_429_behind_it() {
    let watched = Watched::new(0);
    for app in in_every_form(&watched.routes().layer(watched.layer())) {
        expect_turned_away(app).await;
    }
    assert_eq!(watched.limit.rejected(), 0);
    for app in in_every_form(&watched.routes()) {
        get(app.layer(watched.layer()), "/")
            .await
            .expect_status(429);
    }
    assert_eq!((watched.limit.rejected(), watched.calls()), (3, 0));
}

#[tokio::test]
async fn a_user_that_a_check_in_front_has_found_is_a_key_for_the_limit() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct User(String);

    async fn find_user(mut request: Request<Body>, next: Next) -> Response {
        let name = request.headers()["authorization"].to_str().unwrap();
        let user = User(name.to_owned());
        request.extensions_mut().insert(user);
        next.run(request).await
    }

    let watched = Watched::new(10);
    let limit = watched
        .limit
        .clone()
        .per_key(1, |request| request.extensions.get::<User>().cloned());
    let app = watched
        .routes()
        .layer(watched.layer().limit(limit))
        .layer(from_fn(find_user));
    let open = async |user| get(app.clone(), "/").header("authorization", user).await;
    let ada = open("ada").await;
    open("ada").await.expect_status(429);
    open("bob").await.expect_status(200);
    drop(ada);
    open("ada").await.expect_status(200);
}
