//! How a call ended.

use http::HeaderMap;

use super::Code;

/// What the server said of the call at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The `grpc-status`.
    pub code: Code,
    /// The `grpc-message`, percent-decoded; empty if there is none.
    pub message: String,
    /// The other trailers, or headers if it stood in them.
    pub trailers: HeaderMap,
    /// It stood in the response's headers and not in a trailer frame ("Trailers-Only").
    pub in_headers: bool,
}

impl Status {
    /// Nothing if there is no `grpc-status` among them.
    ///
    /// `Err` if that is not a number.
    pub(super) fn read(mut fields: HeaderMap, in_headers: bool) -> Result<Option<Self>, String> {
        let Some(code) = fields.remove("grpc-status") else {
            return Ok(None);
        };
        let number = code.to_str().ok().and_then(|it| it.parse::<i32>().ok());
        let Some(number) = number else {
            return Err(format!("the grpc-status {code:?} is not a number"));
        };
        let message = fields.remove("grpc-message");
        Ok(Some(Self {
            code: number.into(),
            message: message.map_or(String::new(), |it| percent_decode(it.as_bytes())),
            trailers: fields,
            in_headers,
        }))
    }
}

/// gRPC wants what is not encoded properly to be left as it is: an error about the text of an error
/// helps nobody.
fn percent_decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                bytes.push(hex_digit(*high) << 4 | hex_digit(*low));
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::percent_decode;

    #[test]
    fn what_is_percent_encoded_is_decoded_and_the_rest_left_alone() {
        let cases: [(&[u8], &str); 8] = [
            (b"no such price", "no such price"),
            (b"50%25 of %C3%BC%c3%bc", "50% of \u{fc}\u{fc}"),
            (b"100%", "100%"),
            (b"%zz%4", "%zz%4"),
            (b"%4z", "%4z"),
            (b"%%41", "%A"),
            (b"a+b", "a+b"),
            (b"%ff", "\u{fffd}"),
        ];
        for (text, expected) in cases {
            assert_eq!(percent_decode(text), expected);
        }
    }
}
