use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a process needs beside its connections: standard streams, epoll, libraries, a listener.
const SPARE: u64 = 100;

/// Sees to it that this process and those it starts may have `connections` open at once.
///
/// # Errors
///
/// A message that says what is missing and what to do about it.
pub fn ensure_files(connections: u64) -> Result<(), String> {
    let needed = connections + SPARE;
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    check(connections, hard)?;
    if limit.current.is_some_and(|soft| soft < needed) {
        // All that is allowed: the server that is started inherits it and needs some of its own.
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised)
            .map_err(|error| format!("the limit on open files could not be raised: {error}"))?;
    }
    Ok(())
}

/// How many connections one process may have here.
pub fn most_connections() -> u64 {
    getrlimit(Resource::Nofile)
        .maximum
        .unwrap_or(u64::MAX)
        .saturating_sub(SPARE)
}

fn check(connections: u64, hard: u64) -> Result<(), String> {
    let needed = connections + SPARE;
    if needed <= hard {
        return Ok(());
    }
    let most = hard.saturating_sub(SPARE);
    let shards = connections.div_ceil(most.max(1));
    Err(format!(
        "{connections} connections in one process need {needed} open files, and this process may have \
         {hard} at most. Ask for {most} connections or fewer, raise the limit (as root: `ulimit -Hn {needed}` \
         in this shell, or LimitNOFILE={needed} in a systemd unit), or spread them over processes: \
         `idle` takes `--shards {shards}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_the_limit_nothing_is_said() {
        assert_eq!(check(19_900, 20_000), Ok(()));
    }

    #[test]
    fn past_the_limit_it_says_what_to_do() {
        assert!(
            check(19_901, 20_000).is_err(),
            "the server needs some for itself"
        );
        let message = check(50_000, 20_000).unwrap_err();
        for part in ["50100", "20000", "19900", "ulimit -Hn 50100", "--shards 3"] {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }
}
