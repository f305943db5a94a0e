//! A test of a test: an expectation that has to fail.
#![allow(unused_macros, reason = "each test file needs a part of it")]

/// Runs the expectation in a task, wants it to panic with this file and a line of the call, and
/// returns what it says without those.
macro_rules! failure {
    ($sse:ident in $open:expr => $act:expr) => {{
        #[allow(unused_mut)]
        let mut $sse = $open.await;
        let line = line!();
        let task = tokio::spawn(async move {
            let _ = $act;
        });
        let panic = task.await.expect_err("it should fail").into_panic();
        let message = panic.downcast_ref::<String>().expect("a formatted message");
        let told = message.strip_prefix(concat!(file!(), ":"));
        let (told, said) = told.and_then(|it| it.split_once(": ")).expect(message);
        let told: u32 = told.parse().expect(message);
        // A call may take a few lines below that of the macro.
        assert!(
            (line..line + 4).contains(&told),
            "line {line}, but {message}"
        );
        said.to_owned()
    }};
}

/// The same, and wants all of these words in it.
macro_rules! fails {
    ($sse:ident in $open:expr => $act:expr, [$($word:expr),* $(,)?]) => {{
        let message = failure!($sse in $open => $act);
        assert!(message.contains("received so far:"), "{message}");
        $(assert!(message.contains($word), "no {:?} in {message}", $word);)*
    }};
}
