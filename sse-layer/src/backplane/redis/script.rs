//! The scripts, each of which is one step for Redis.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value, aio::MultiplexedConnection};

/// A script and the hash by which Redis knows it, once it has seen it.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

pub(super) static PUBLISH: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/publish.lua")));
pub(super) static ATTACH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("scripts/clock.lua"),
        include_str!("scripts/attach.lua")
    ))
});
pub(super) static FRONTIER: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("scripts/clock.lua"),
        include_str!("scripts/frontier.lua")
    ))
});
pub(super) static READ: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("scripts/clock.lua"),
        include_str!("scripts/kept.lua"),
        include_str!("scripts/read.lua")
    ))
});
pub(super) static NEWEST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("scripts/clock.lua"),
        include_str!("scripts/kept.lua"),
        include_str!("scripts/newest.lua")
    ))
});

impl Script {
    fn new(source: &'static str) -> Self {
        Self {
            source,
            hash: redis::Script::new(source).get_hash().to_owned(),
        }
    }

    /// Runs it by its hash, and by its text where Redis does not know it (any more). Its last
    /// argument is an epoch by chance, for a Redis that has none: another one each time, since the
    /// same Redis needs another one when it has lost its data.
    pub(super) async fn run(
        &self,
        connection: &MultiplexedConnection,
        keys: &[&str],
        args: &[&[u8]],
    ) -> Result<Value, RedisError> {
        let mut connection = connection.clone();
        let epoch = format!("{:016x}", fastrand::u64(1..));
        let command = |name, script| {
            let mut command = Cmd::new();
            command.arg(name).arg(script).arg(keys.len());
            for key in keys {
                command.arg(key);
            }
            for arg in args {
                command.arg(arg);
            }
            command.arg(&epoch);
            command
        };
        let answer = command("EVALSHA", &*self.hash)
            .query_async(&mut connection)
            .await;
        match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", self.source)
                    .query_async(&mut connection)
                    .await
            }
            answer => answer,
        }
    }
}
