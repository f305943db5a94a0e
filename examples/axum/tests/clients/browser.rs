//! Chromium, without a window, and for one test alone.
//!
//! It is driven by WebDriver, through `chromedriver`. Chrome will do as well.

#[path = "browser/binary.rs"]
mod binary;

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, error::NewSessionError};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

const DRIVER: &str = "chromedriver";

const SKIP: &str = "SSE_SKIP_BROWSER";

/// Longer than anything here takes, even on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

const MISSING: &str = "a browser can't be started: install Chromium and its driver (Debian: \
                       chromium and chromium-driver), or Chrome and a chromedriver of the same \
                       version, or set SSE_SKIP_BROWSER to do without these tests";

/// What it is started with. Nothing but the test's own pages is asked for over the network.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with a tab, gone when it is dropped.
pub(crate) struct Browser {
    client: Client,
    driver: Driver,
}

/// The driver, and the folder in which its browser keeps its data.
struct Driver {
    process: Child,
    /// The browser's process, which would outlive its driver.
    browser: Option<u64>,
    folder: PathBuf,
    /// Kept open, since the driver goes on talking.
    stdout: BufReader<ChildStdout>,
}

impl Browser {
    /// `None` where the browser is left out.
    pub(crate) async fn start() -> Option<Self> {
        if std::env::var_os(SKIP).is_some() {
            eprintln!("skipped, since {SKIP} is set");
            return None;
        }
        let (mut driver, port) = Driver::start();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!(
            "--user-data-dir={}",
            driver.folder.join("data").display()
        ));
        let mut options = json!({ "args": flags });
        if let Some(browser) = binary::fitting(DRIVER) {
            options["binary"] = json!(browser);
        }
        let capabilities = json!({
            "goog:chromeOptions": options,
            "timeouts": { "script": PATIENCE.as_millis() as u64 },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap_or_else(|error: NewSessionError| panic!("{MISSING} ({error})"));
        let session = client.capabilities().unwrap();
        driver.browser = session.get("goog:processID").and_then(Value::as_u64);
        Some(Self { client, driver })
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Runs a script in the page, whose `arguments` these are, and answers what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Runs a script until it calls the last of its `arguments`, and answers with what.
    #[allow(dead_code, reason = "not every test has to wait")]
    pub(crate) async fn run_to_its_end(&self, script: &str, arguments: Vec<Value>) -> Value {
        let ran = self.client.execute_async(script, arguments).await;
        ran.unwrap()
    }

    pub(crate) async fn find(&self, selector: &str) -> Element {
        self.client.find(Locator::Css(selector)).await.unwrap()
    }

    /// The text that is shown there.
    pub(crate) async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, expression: &str) {
        let begun = Instant::now();
        loop {
            let is_true = self
                .run(&format!("return Boolean({expression})"), vec![])
                .await;
            if is_true == true {
                return;
            }
            if begun.elapsed() > PATIENCE {
                let page = self.run("return document.body.innerText", vec![]).await;
                let page = page.as_str().unwrap_or_default();
                panic!("it never came true that {expression}, in\n{page}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Closes it, so that nothing of it is left when the test ends.
    pub(crate) async fn close(mut self) {
        self.client.close().await.unwrap();
        self.driver.browser = None;
    }
}

impl Driver {
    /// Answers the port on which it listens, too.
    fn start() -> (Self, u16) {
        static STARTED: AtomicU32 = AtomicU32::new(0);

        let nth = STARTED.fetch_add(1, Relaxed);
        let name = format!("sse-layer-browser-{}-{nth}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut process = Command::new(DRIVER)
            .arg("--port=0")
            // The browser makes files of its own there, too.
            .env("TMPDIR", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                let _ = std::fs::remove_dir_all(&folder);
                panic!("{MISSING} ({error})")
            });
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut driver = Self {
            process,
            browser: None,
            folder,
            stdout,
        };
        let mut line = String::new();
        loop {
            line.clear();
            let read = driver.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "chromedriver ended without a port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let port = port.trim_end().trim_end_matches('.').parse().unwrap();
                return (driver, port);
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It is still there if the test has failed.
        if let Some(browser) = self.browser {
            let kill = ["-s", "KILL", &browser.to_string()];
            let _ = Command::new("kill").args(kill).status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
