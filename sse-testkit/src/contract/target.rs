//! Where requests go, and with what.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Uri, Version};

use crate::body::content_type_of;
#[cfg(feature = "tls")]
use crate::client::Roots;
use crate::client::{parse_header, refusal};

/// A request that can be sent again and again: the one for the stream, or one that makes the server
/// do something.
///
/// What is wrong with it, such as an URL that is none, is told by the report.
#[derive(Debug, Clone)]
pub struct Target(Result<Parts, String>);

/// A target that can be sent.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) extensions: http::Extensions,
}

impl Target {
    /// `GET url`, an `http://` one, or with the feature `tls` an `https://` one.
    pub fn get(url: impl AsRef<str>) -> Self {
        Self::new(Method::GET, url.as_ref(), Bytes::new())
    }

    /// `POST url` with this body. Its content type is `application/json` if it is JSON, otherwise
    /// `text/plain`, unless a header says something else.
    pub fn post(url: impl AsRef<str>, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let content_type = content_type_of(&body);
        Self::new(Method::POST, url.as_ref(), body.into()).header(CONTENT_TYPE, content_type)
    }

    fn new(method: Method, url: &str, body: Bytes) -> Self {
        let url = match url.parse::<Uri>() {
            Ok(url) => match refusal(&url) {
                None => url,
                Some(reason) => return Self(Err(reason)),
            },
            Err(error) => return Self(Err(format!("the URL {url:?} is not valid: {error}"))),
        };
        Self(Ok(Parts {
            method,
            url,
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            body,
            extensions: http::Extensions::new(),
        }))
    }

    /// Sets a header; one that is already there is replaced.
    #[must_use]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: fmt::Display,
        V: TryInto<HeaderValue>,
        V::Error: fmt::Display,
    {
        if let Ok(parts) = &mut self.0 {
            match parse_header(name, value) {
                Ok((name, value)) => {
                    parts.headers.insert(name, value);
                }
                Err(reason) => self.0 = Err(reason),
            }
        }
        self
    }

    /// Sets the method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        if let Ok(parts) = &mut self.0 {
            parts.method = method;
        }
        self
    }

    /// Speaks HTTP/2 instead of HTTP/1.1: without TLS from the first byte on (prior knowledge), over
    /// TLS if the server agrees.
    #[must_use]
    pub fn http2(mut self) -> Self {
        if let Ok(parts) = &mut self.0 {
            parts.version = Version::HTTP_2;
        }
        self
    }

    /// Trusts the servers whose certificates these have signed, beside those that the system
    /// trusts; or the server whose own certificate this is.
    ///
    /// It is the text of a PEM file, with one certificate or several.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        if let Ok(parts) = &mut self.0 {
            if let Err(reason) = Roots::extend(&mut parts.extensions, pem.as_ref()) {
                self.0 = Err(reason);
            }
        }
        self
    }

    pub(crate) fn into_parts(self) -> Result<Parts, String> {
        self.0
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.method != Method::GET {
            write!(f, "{} ", self.method)?;
        }
        write!(f, "{} ({})", self.url, protocol(&self.url, self.version))
    }
}

/// The protocol's name as people write it.
pub(crate) fn protocol(url: &Uri, version: Version) -> &'static str {
    match (version, url.scheme_str()) {
        (Version::HTTP_2, Some("https")) => "h2",
        (Version::HTTP_2, _) => "h2c",
        _ => "HTTP/1.1",
    }
}
