//! Where the guide's commands are run: a folder of their own, and the server that they are about.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the guide calls the server.
const ADDRESS: &str = "127.0.0.1:3000";

pub(crate) struct Place {
    folder: PathBuf,
    /// The server's address in place of the guide's.
    address: String,
    server: Option<Child>,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            folder,
            address: free.local_addr().unwrap().to_string(),
            server: None,
        }
    }

    /// Runs a command as a reader of the guide does, and yields what it prints.
    pub(crate) fn run(&mut self, command: &str) -> String {
        match command.strip_prefix("cargo run -p example-testing") {
            Some("") => self.start(),
            _ => {
                let command = command.replace(ADDRESS, &self.address);
                let output = self.bash(&command).output().unwrap();
                print!("{}", String::from_utf8_lossy(&output.stderr));
                let missing = output.status.code() == Some(127);
                assert!(!missing, "a command is missing: install it");
                String::from_utf8(output.stdout).unwrap()
            }
        }
    }

    /// The server, which goes on after its first line.
    fn start(&mut self) -> String {
        let mut server = Command::new(env!("CARGO_BIN_EXE_example-testing"))
            .arg(&self.address)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = server.stdout.take().unwrap();
        self.server = Some(server);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        line
    }

    /// Runs a script of this folder for this server, and yields what it prints and its exit status.
    /// It waits for the server for so long.
    pub(crate) fn script(&self, script: &str, server: &str, wait: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let command = format!("{} {server} {} 2>&1", script.display(), self.address);
        let output = self.bash(&command).env("WAIT", wait).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        format!("{printed}{}\n", output.status)
    }

    /// With `sse-testkit` on the path, as this workspace's tests have built it.
    fn bash(&self, command: &str) -> Command {
        let test = env::current_exe().unwrap();
        let built = test.ancestors().nth(2).unwrap();
        assert!(
            built.join("sse-testkit").exists(),
            "the command is missing: cargo build -p sse-testkit --features cli"
        );
        let path = format!("{}:{}", built.display(), env::var("PATH").unwrap());
        // No command of the guide takes a minute.
        let mut bash = Command::new("timeout");
        bash.args(["60", "bash", "-c", command]).env("PATH", path);
        bash.current_dir(&self.folder).stdin(Stdio::null());
        bash
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
