//! What a failed command has come to.

use redis::{ErrorKind, RedisError};

use crate::backplane::{BackplaneError, Failure};

/// A failure of what was sent to a server that had been reached.
pub(super) fn failed(error: RedisError) -> BackplaneError {
    let failure = match error.kind() {
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Failure::Unknown,
        _ if is_elsewhere(&error) || error.code() == Some("LOADING") => Failure::Unavailable,
        _ => Failure::Refused,
    };
    BackplaneError::new(failure, error)
}

/// A failure on the way to a server: nothing was asked of it yet.
pub(super) fn not_connected(error: RedisError) -> BackplaneError {
    let failed = failed(error.clone());
    if failed.failure() == Failure::Unknown {
        BackplaneError::new(Failure::Unavailable, error)
    } else {
        failed
    }
}

/// Whether the connection is of no use any more.
pub(super) fn is_broken(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
}

/// Whether another server has to be asked, which a new connection finds out.
pub(super) fn is_elsewhere(error: &RedisError) -> bool {
    const CODES: [&str; 6] = [
        "READONLY",
        "MOVED",
        "ASK",
        "TRYAGAIN",
        "CLUSTERDOWN",
        "MASTERDOWN",
    ];
    // Before Redis 7, what a command in a script has failed with is told in the text alone.
    let in_script = |text: &str| text.contains("-READONLY ");
    error.code().is_some_and(|code| CODES.contains(&code)) || error.detail().is_some_and(in_script)
}

/// That there is no connection.
pub(super) fn unavailable() -> BackplaneError {
    BackplaneError::new(Failure::Unavailable, "there is no connection to Redis")
}

/// That an answer has not the form that the script gives it.
pub(super) fn unreadable() -> BackplaneError {
    BackplaneError::new(
        Failure::Unknown,
        "Redis answered something else than the script's answer",
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use redis::make_extension_error;

    use super::*;

    #[test]
    fn only_what_may_have_been_done_is_unknown() {
        let io = || RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
        assert_eq!(failed(io()).failure(), Failure::Unknown);
        assert_eq!(not_connected(io()).failure(), Failure::Unavailable);
        for code in ["OOM", "WRONGTYPE", "NOAUTH", "WRONGPASS", "MISCONF"] {
            let error = || make_extension_error(code.to_owned(), None);
            assert_eq!(failed(error()).failure(), Failure::Refused, "{code}");
            assert_eq!(not_connected(error()).failure(), Failure::Refused, "{code}");
        }
        let error = make_extension_error("READONLY".to_owned(), None);
        assert_eq!(failed(error).failure(), Failure::Unavailable);
        let text = "Error running script (call to f_1): @user_script:2: @user_script: 2: \
                    -READONLY You can't write against a read only replica.";
        let error = make_extension_error("ERR".to_owned(), Some(text.to_owned()));
        assert_eq!(failed(error).failure(), Failure::Unavailable);
    }
}
