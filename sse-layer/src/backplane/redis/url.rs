//! Where a Redis is, read from a URL.

use std::{error::Error as StdError, fmt};

/// What [`Redis::new`](super::Redis::new) reads from its URL.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) servers: Servers,
    pub(super) database: i64,
    pub(super) prefix: Option<String>,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Servers {
    /// The server itself, or some of a cluster, the first that is reached.
    Hosts(Vec<Host>),
    /// These sentinels, for the server that they call the master of this name.
    Sentinels {
        sentinels: Vec<Host>,
        master: String,
    },
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

/// What a [`Redis`](super::Redis) can't be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfig(pub(super) &'static str);

impl Url {
    /// # Errors
    ///
    /// That it is none of the forms. What it says is not repeated: it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, InvalidConfig> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidConfig(SCHEMES))?;
        let (tls, is_sentinel) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis+sentinel" => (false, true),
            "rediss+sentinel" => (true, true),
            _ => return Err(InvalidConfig(SCHEMES)),
        };
        if rest.contains('#') {
            return Err(InvalidConfig(
                "the URL has a fragment, which means nothing here",
            ));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains('@') {
            return Err(InvalidConfig(
                "the URL has an `@` behind a `/`: in a password a `/` is written `%2F`",
            ));
        }
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let (user, password) = match login {
            Some(login) => {
                let (user, password) = login.split_once(':').ok_or(InvalidConfig(
                    "the URL has a user and no password: `user:password@`, or `:password@`",
                ))?;
                (Some(decode(user)?), Some(decode(password)?))
            }
            None => (None, None),
        };
        let user = user.filter(|user| !user.is_empty());
        let (servers, database) = if is_sentinel {
            let (master, database) = path.split_once('/').unwrap_or((path, ""));
            let master = decode(master)?;
            if master.is_empty() {
                return Err(InvalidConfig(
                    "the URL has no name of a master behind the sentinels",
                ));
            }
            let sentinels = Host::parse_list(hosts, 26379)?;
            (Servers::Sentinels { sentinels, master }, database)
        } else {
            (Servers::Hosts(Host::parse_list(hosts, 6379)?), path)
        };
        let mut prefix = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "prefix" => prefix = Some(value.into_owned()),
                _ => {
                    return Err(InvalidConfig(
                        "the URL's query may have `prefix`, and nothing else",
                    ));
                }
            }
        }
        Ok(Self {
            tls,
            user,
            password,
            servers,
            database: number(database)?,
            prefix,
        })
    }
}

const SCHEMES: &str = "the URL does not begin with `redis://`, `rediss://`, `redis+sentinel://` or `rediss+sentinel://`";

impl Host {
    fn parse_list(text: &str, default_port: u16) -> Result<Vec<Self>, InvalidConfig> {
        let hosts = text.split(',').map(|host| Self::parse(host, default_port));
        hosts.collect()
    }

    fn parse(text: &str, default_port: u16) -> Result<Self, InvalidConfig> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, rest) = rest
                    .split_once(']')
                    .ok_or(InvalidConfig("the URL has a `[` without `]`"))?;
                (name, rest)
            }
            None => text.split_at(text.rfind(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok(),
            None => port.is_empty().then_some(default_port),
        };
        let port = port
            .filter(|port| *port != 0)
            .ok_or(InvalidConfig("the URL's port is no number from 1 to 65535"))?;
        if name.contains(':') && !text.starts_with('[') {
            return Err(InvalidConfig(
                "the URL has an IPv6 address without brackets: `[::1]:6379`",
            ));
        }
        if name.is_empty() || name.contains(['/', ' ', '@', '%']) {
            return Err(InvalidConfig("the URL has no host"));
        }
        Ok(Self {
            name: name.to_owned(),
            port,
        })
    }
}

fn number(database: &str) -> Result<i64, InvalidConfig> {
    let database = database.strip_suffix('/').unwrap_or(database);
    if database.is_empty() {
        return Ok(0);
    }
    let database: Option<u32> = database.parse().ok();
    database
        .map(i64::from)
        .ok_or(InvalidConfig("the URL's path is no number of a database"))
}

/// Percent-decoding, in which a plus sign is a plus sign.
fn decode(text: &str) -> Result<String, InvalidConfig> {
    const WRONG: InvalidConfig = InvalidConfig("the URL's percent-encoding is wrong");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2).ok_or(WRONG)?;
        rest = behind;
        let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(WRONG);
        let value = digit(digits[0])? * 16 + digit(digits[1])?;
        bytes.push(u8::try_from(value).map_err(|_| WRONG)?);
    }
    String::from_utf8(bytes).map_err(|_| WRONG)
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Url")
            .field("tls", &self.tls)
            .field("servers", &self.servers)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for InvalidConfig {}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: u16) -> Host {
        Host {
            name: name.to_owned(),
            port,
        }
    }

    #[test]
    fn a_url_tells_all_that_it_can_tell() {
        let url =
            Url::parse("rediss://us%65r:p%40ss+:w@redis.example:6380/3?prefix=my+app").unwrap();
        assert!(url.tls);
        assert_eq!(url.user.as_deref(), Some("user"));
        assert_eq!(url.password.as_deref(), Some("p@ss+:w"));
        assert_eq!(
            url.servers,
            Servers::Hosts(vec![host("redis.example", 6380)])
        );
        assert_eq!(url.database, 3);
        assert_eq!(url.prefix.as_deref(), Some("my app"));
    }

    #[test]
    fn what_a_url_leaves_out_has_a_default() {
        for url in ["redis://h", "redis://h/", "redis://h:6379", "redis://h/0?"] {
            let url = Url::parse(url).unwrap();
            assert!(!url.tls);
            assert_eq!(url.servers, Servers::Hosts(vec![host("h", 6379)]));
            assert_eq!((url.user, url.password, url.database), (None, None, 0));
        }
        let url = Url::parse("redis://:secret@[::1]:7").unwrap();
        assert_eq!(url.servers, Servers::Hosts(vec![host("::1", 7)]));
        assert_eq!((url.user, url.password.as_deref()), (None, Some("secret")));
    }

    #[test]
    fn several_servers_of_a_cluster_may_be_named() {
        let url = Url::parse("redis://a,b:7").unwrap();
        assert_eq!(
            url.servers,
            Servers::Hosts(vec![host("a", 6379), host("b", 7)])
        );
    }

    #[test]
    fn sentinels_stand_before_the_name_of_their_master() {
        let url = Url::parse("rediss+sentinel://u:p@a:1,b,[::2]:3/mymaster/4").unwrap();
        let sentinels = vec![host("a", 1), host("b", 26379), host("::2", 3)];
        let master = "mymaster".to_owned();
        assert_eq!(url.servers, Servers::Sentinels { sentinels, master });
        assert_eq!((url.tls, url.database), (true, 4));
    }

    #[test]
    fn whatever_else_it_says_is_an_error_that_keeps_its_secrets() {
        for url in [
            "",
            "redis:",
            "http://u:secret@h",
            "redis://",
            "redis://u:secret@",
            "redis://secret@h",
            "redis://u:secret%4@h",
            "redis://u:secret%ff@h",
            "redis://u:secret%é@h",
            "redis://u:secret@h:0",
            "redis://u:secret@h:65536",
            "redis://u:secret@h:x",
            "redis://u:secret@h,",
            "redis://u:secret@h/x",
            "redis://u:se/secret@h",
            "redis+sentinel://u:7/secret@h",
            "redis://u:secret@::1",
            "redis://u:secret@h/-1",
            "redis://u:secret@[::1",
            "redis://u:secret@h?protocol=2",
            "redis://u:secret@h#insecure",
            "redis+sentinel://u:secret@h",
            "redis+unix:///tmp/redis.sock",
        ] {
            let error = Url::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
        let url = Url::parse("redis://u:secret@h").unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }
}
