use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// How long an engine may take to tell.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an engine says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections of clients, without the one that asks.
    pub connections: u64,
    /// Commands of Redis, messages to NATS, since it runs.
    pub commands: u64,
}

impl Counts {
    pub(super) fn of_redis(url: &str) -> Result<Self, String> {
        let ask = || {
            let client = redis::Client::open(url)?;
            let mut connection = client.get_connection_with_timeout(PATIENCE)?;
            connection.set_read_timeout(Some(PATIENCE))?;
            redis::cmd("INFO").query::<String>(&mut connection)
        };
        let text = ask().map_err(|error| format!("INFO of redis-server: {error}"))?;
        parse_info(&text).ok_or_else(|| "INFO of redis-server is not as expected".to_owned())
    }

    pub(super) fn of_nats(monitor: SocketAddr) -> Result<Self, String> {
        let text =
            get(monitor, "/varz").map_err(|error| format!("/varz of nats-server: {error}"))?;
        parse_varz(&text).ok_or_else(|| "/varz of nats-server is not as expected".to_owned())
    }
}

fn parse_info(text: &str) -> Option<Counts> {
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_prefix(':')?.trim().parse::<u64>().ok()
    };
    Some(Counts {
        connections: number("connected_clients")?.checked_sub(1)?,
        commands: number("total_commands_processed")?,
    })
}

fn parse_varz(text: &str) -> Option<Counts> {
    let varz: Value = serde_json::from_str(text).ok()?;
    Some(Counts {
        connections: varz["connections"].as_u64()?,
        commands: varz["in_msgs"].as_u64()?,
    })
}

fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // By HTTP/1.0 the end of the answer is the end of the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    body.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_not_counted() {
        let info = "# Clients\r\nconnected_clients:3\r\n# Stats\r\ntotal_commands_processed:42\r\n";
        let counts = Counts {
            connections: 2,
            commands: 42,
        };
        assert_eq!(parse_info(info), Some(counts));
        assert_eq!(parse_info("# Clients\r\n"), None);
        let varz = r#"{"connections": 2, "total_connections": 9, "in_msgs": 42}"#;
        assert_eq!(parse_varz(varz), Some(counts));
        assert_eq!(parse_varz("{}"), None);
    }
}
