//! That a server is measured by its process's number: it is this process, so nothing else may run in it.

mod liar;

use std::{
    hint::black_box,
    io::Read,
    ops::ControlFlow,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use liar::{chunk, head};

fn churn(url: &str) -> (bool, String) {
    let arguments = [
        "--rate",
        "50",
        "--secs",
        "1",
        "--rounds",
        "3",
        "--stay-millis",
        "50",
    ];
    run(env!("CARGO_BIN_EXE_churn"), url, &arguments)
}

fn run(program: &str, url: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .args(["--url", url, "--pid", &std::process::id().to_string()])
        .output()
        .expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8(said).expect("text"),
    )
}

#[test]
fn a_server_that_leaks_is_told_and_one_that_does_not_is_not() {
    let leaks = Arc::new(AtomicBool::new(false));
    let address = liar::serve({
        let leaks = leaks.clone();
        move |_, _, stream| {
            if leaks.load(Ordering::Relaxed) {
                black_box(Box::leak(vec![1_u8; 64 * 1024].into_boxed_slice()));
            }
            head(stream)?;
            chunk(stream, ":\n\n")?;
            // Until the client has gone.
            let _ = stream.read(&mut [0; 1]);
            Ok(ControlFlow::Break(()))
        }
    });
    let url = format!("http://{address}/");

    let (well, said) = run(
        env!("CARGO_BIN_EXE_idle"),
        &url,
        &[
            "--connections",
            "10",
            "--hold",
            "1",
            "--heartbeat-secs",
            "0",
        ],
    );
    assert!(well && said.contains("RSS each, warm"), "{said}");

    // Threads and their arenas are there after this, and are no leak.
    churn(&url);
    let (well, said) = churn(&url);
    assert!(well, "{said}");

    leaks.store(true, Ordering::Relaxed);
    let (well, said) = churn(&url);
    assert!(!well && said.contains("leak: memory grew by"), "{said}");
}
