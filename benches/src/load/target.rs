use std::{
    net::{SocketAddr, ToSocketAddrs},
    str::FromStr,
};

/// What is asked for: a server's address, the name that it is called by, and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where connections go.
    pub address: SocketAddr,
    /// The `Host` of requests.
    pub host: String,
    /// The path with its query.
    pub path: String,
}

impl Target {
    /// The same server, another path.
    pub fn at(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self.clone()
        }
    }

    /// A request for an event stream.
    pub fn request(&self) -> Vec<u8> {
        let Self { host, path, .. } = self;
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n")
            .into_bytes()
    }

    /// A request that posts `body`.
    pub fn post(&self, body: &str) -> Vec<u8> {
        let Self { host, path, .. } = self;
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(format!(
                "{url}: only http:// can be measured; put TLS aside, it costs the same whatever is sent"
            ));
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let slash = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(slash);
        let path = match path.chars().next() {
            Some('/') => path.to_owned(),
            _ => format!("/{path}"),
        };
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
        let full = if has_port {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let address = full
            .to_socket_addrs()
            .map_err(|error| format!("{url}: {error}"))?
            .min_by_key(SocketAddr::is_ipv6)
            .ok_or_else(|| format!("{url}: the name has no address"))?;
        Ok(Self {
            address,
            host: host.to_owned(),
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_address_a_host_and_a_path_with_its_query() {
        let target: Target = "http://127.0.0.1:8080/tick?n=3#x".parse().unwrap();
        assert_eq!(target.address, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(target.host, "127.0.0.1:8080");
        assert_eq!(target.path, "/tick?n=3");
    }

    #[test]
    fn without_port_and_path_it_is_80_and_the_root() {
        let target: Target = "http://127.0.0.1".parse().unwrap();
        assert_eq!(target.address, "127.0.0.1:80".parse().unwrap());
        assert_eq!(target.path, "/");
        let query: Target = "http://127.0.0.1?a=b".parse().unwrap();
        assert_eq!(query.path, "/?a=b");
    }

    #[test]
    fn a_version_6_address_keeps_its_brackets() {
        let target: Target = "http://[::1]:81/a".parse().unwrap();
        assert_eq!(target.address, "[::1]:81".parse().unwrap());
        assert_eq!(target.host, "[::1]:81");
    }

    #[test]
    fn another_scheme_is_refused_with_its_reason() {
        let refused = "https://127.0.0.1/".parse::<Target>().unwrap_err();
        assert!(refused.contains("only http://"), "{refused}");
    }
}
