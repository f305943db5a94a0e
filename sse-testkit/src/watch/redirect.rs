//! Following a redirect as the Fetch standard does.

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, StatusCode, Uri};

use crate::Body;
use crate::record::Head;

/// Where the response leads, if it is a redirect that says so.
pub(super) fn location(head: &Head) -> Option<String> {
    let is_redirect = matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = head.headers.get(LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The request that a client sends to follow; or why it can't.
pub(super) fn follow(
    request: &Request<Body>,
    status: StatusCode,
    location: &str,
) -> Result<Request<Body>, String> {
    let uri = resolve(request.uri(), location)
        .ok_or_else(|| format!("the redirect to {location:?} leads nowhere"))?;
    let mut next = request.clone();
    let same_origin =
        next.uri().scheme() == uri.scheme() && next.uri().authority() == uri.authority();
    if !same_origin {
        for secret in [AUTHORIZATION, COOKIE] {
            next.headers_mut().remove(secret);
        }
    }
    let host = uri.authority().map(|it| HeaderValue::from_str(it.as_str()));
    if let Some(Ok(host)) = host {
        next.headers_mut().insert(HOST, host);
    }
    *next.uri_mut() = uri;
    let becomes_get = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => next.method() == Method::POST,
        StatusCode::SEE_OTHER => !matches!(*next.method(), Method::GET | Method::HEAD),
        _ => false,
    };
    if becomes_get {
        *next.method_mut() = Method::GET;
        *next.body_mut() = Body::empty();
        next.headers_mut().remove(CONTENT_TYPE);
    }
    Ok(next)
}

/// The address that `location` means to a reader of `base`.
fn resolve(base: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    if let Some((scheme, _)) = location.split_once("://") {
        if !scheme.contains(['/', '?']) {
            return location.parse().ok();
        }
    }
    let mut parts = base.clone().into_parts();
    if let Some(rest) = location.strip_prefix("//") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        parts.authority = Some(rest[..end].parse::<Authority>().ok()?);
        parts.path_and_query = Some(path(&rest[end..])?);
    } else {
        let query = match location.starts_with('?') {
            true => format!("{}{location}", base.path()),
            false if location.is_empty() => base.path_and_query()?.to_string(),
            false if location.starts_with('/') => location.to_owned(),
            false => {
                let (folder, _) = base.path().rsplit_once('/').unwrap_or_default();
                format!("{folder}/{location}")
            }
        };
        parts.path_and_query = Some(path(&query)?);
    }
    // A service in the same process is asked by its path alone.
    if parts.authority.is_some() {
        parts.scheme.get_or_insert(Scheme::HTTP);
    }
    Uri::from_parts(parts).ok()
}

/// The path without `.` and `..`.
fn path(text: &str) -> Option<PathAndQuery> {
    let (path, query) = match text.find('?') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut segments: Vec<&str> = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = rest.next() {
        let is_last = rest.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    segments.pop();
                }
                if is_last {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    format!("/{}{query}", segments.join("/")).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_as_a_browser_reads_it() {
        let base: Uri = "http://a.test:80/one/two?x=1".parse().unwrap();
        let cases = [
            ("https://b.test/", "https://b.test/"),
            ("//b.test:8080/y", "http://b.test:8080/y"),
            ("//b.test", "http://b.test/"),
            ("/three?y=2", "http://a.test:80/three?y=2"),
            ("three", "http://a.test:80/one/three"),
            ("../three/./four", "http://a.test:80/three/four"),
            ("..", "http://a.test:80/"),
            ("?y=2", "http://a.test:80/one/two?y=2"),
            ("", "http://a.test:80/one/two?x=1"),
            (
                "/log?to=http://c.test#part",
                "http://a.test:80/log?to=http://c.test",
            ),
        ];
        for (location, expected) in cases {
            let uri = resolve(&base, location).unwrap();
            assert_eq!(uri.to_string(), expected, "{location}");
        }
        assert_eq!(resolve(&base, "http://"), None);
        assert_eq!(
            resolve(&"/in/process".parse().unwrap(), "/y").unwrap(),
            "/y"
        );
    }

    #[test]
    fn a_secret_stays_with_its_origin_and_a_post_becomes_a_get() {
        let request = Request::post("http://a.test/x")
            .header("authorization", "secret")
            .header("content-type", "text/plain")
            .body(Body::from("body"))
            .unwrap();
        let same = follow(&request, StatusCode::TEMPORARY_REDIRECT, "/y").unwrap();
        assert_eq!(same.method(), Method::POST);
        assert_eq!(same.headers()["authorization"], "secret");
        let other = follow(&request, StatusCode::FOUND, "//b.test/").unwrap();
        assert_eq!(other.method(), Method::GET);
        assert_eq!(other.headers()["host"], "b.test");
        assert!(!other.headers().contains_key("authorization"));
        assert!(!other.headers().contains_key("content-type"));
    }

    #[test]
    fn the_method_stays_unless_the_status_says_otherwise() {
        let cases = [
            (301, Method::POST, Method::GET),
            (302, Method::PUT, Method::PUT),
            (303, Method::PUT, Method::GET),
            (303, Method::HEAD, Method::HEAD),
            (307, Method::POST, Method::POST),
            (308, Method::POST, Method::POST),
        ];
        for (status, method, expected) in cases {
            let request = Request::builder().method(method).uri("http://a.test/");
            let request = request.body(Body::empty()).unwrap();
            let next = follow(&request, StatusCode::from_u16(status).unwrap(), "/y").unwrap();
            assert_eq!(next.method(), expected, "{status}");
        }
    }
}
