//! nginx, as the example recommends it.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{engines::free_port, program::PATIENCE};

/// Where the tests are to do without it.
const SKIP: &str = "SSE_SKIP_NGINX";

/// What is recommended, but for the ports, which are not ours to choose.
const CONFIG: &str = include_str!("../../nginx.conf");

/// The addresses in it: its own, and those of the nodes.
const LISTEN: &str = "127.0.0.1:3000";
const NODES: [&str; 3] = ["127.0.0.1:3001", "127.0.0.1:3002", "127.0.0.1:3003"];

/// An nginx in a folder of its own, which ends when it is dropped.
pub(crate) struct Nginx {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

/// Whether the tests are to do without nginx.
pub(crate) fn is_skipped() -> bool {
    let is_skipped = std::env::var_os(SKIP).is_some();
    if is_skipped {
        eprintln!("skipped, since {SKIP} is set");
    }
    is_skipped
}

impl Nginx {
    /// One that listens, in front of these nodes.
    pub(crate) fn start(nodes: [&str; 3]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sse-layer-nginx-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let address = free_port();
        fs::write(folder.join("nginx.conf"), config(address, nodes)).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let said = File::create(folder.join("said")).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            // So that it is our child. All else is in the file.
            .args(["-g", "daemon off;"])
            .env("PATH", format!("{path}:/usr/sbin"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("nginx can't be started ({error}): install it, or set {SKIP} to do without these tests")
            });
        let mut nginx = Self {
            child,
            address,
            folder,
        };
        nginx.wait_until_it_listens();
        nginx
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn wait_until_it_listens(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().unwrap();
            let said = || fs::read_to_string(self.folder.join("said")).unwrap_or_default();
            assert!(ended.is_none(), "nginx ended: {}", said());
            assert!(begun.elapsed() < PATIENCE, "nginx: {}", said());
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Nginx {
    /// As the system ends it: killed, it would leave its workers behind.
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The configuration with these addresses.
fn config(address: SocketAddr, nodes: [&str; 3]) -> String {
    let mut config = CONFIG.to_owned();
    for (address, node) in NODES.into_iter().zip(nodes) {
        let (before, after) = (format!("server {address} "), format!("server {node} "));
        assert_eq!(config.matches(&before).count(), 1, "{before}");
        config = config.replace(&before, &after);
    }
    let before = format!("listen {LISTEN};");
    assert_eq!(config.matches(&before).count(), 1, "{before}");
    config.replace(&before, &format!("listen {address};"))
}
