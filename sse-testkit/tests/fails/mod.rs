//! A test of a test: an expectation that has to fail.

/// Runs the expectation in a task, and wants it to panic with this file, the line of the call, and
/// all of these words.
macro_rules! fails {
    ($sse:ident in $open:expr => $act:expr, [$($word:expr),* $(,)?]) => {{
        #[allow(unused_mut)]
        let mut $sse = $open.await;
        let line = line!();
        let task = tokio::spawn(async move { let _ = $act; });
        let panic = task.await.expect_err("it should fail").into_panic();
        let message = panic.downcast_ref::<String>().expect("a formatted message");
        let first = message.lines().next().unwrap();
        assert!(first.starts_with(file!()), "{message}");
        let told: u32 = first[file!().len() + 1..].split(':').next().unwrap().parse().unwrap();
        // The macro's own lines all count as the line of its call.
        assert_eq!(told, line, "{message}");
        assert!(message.contains("received so far:"), "{message}");
        $(assert!(message.contains($word), "no {:?} in {message}", $word);)*
    }};
}
