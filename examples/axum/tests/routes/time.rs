use crate::{millis, new_app};

#[tokio::test(start_paused = true)]
async fn the_time_comes_once_a_second() {
    let mut sse = sse_testkit::get(new_app().await, "/sse/time").await;
    sse.collect_for(millis(2500)).await;
    insta::assert_snapshot!(sse.transcript());
}
