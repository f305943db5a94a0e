//! Responses of HTTP/1 as they stand on the wire, read strictly.

use std::fmt;

/// A response: its head as it was sent but for the date, and its body without the borders of chunks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether all of it is there. One that ends with its connection never says so.
    pub(crate) is_whole: bool,
    pub(crate) chunks: Chunks,
}

/// How long the chunks of a body were; of no weight when replies are compared.
#[derive(Clone, Debug)]
pub(crate) struct Chunks(pub(crate) Vec<usize>);

impl PartialEq for Chunks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Chunks {}

impl Reply {
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            (found == name).then_some(value)
        })
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(200).collect();
        f.debug_struct("Reply")
            .field("head", &self.head)
            .field("body", &shown)
            .field("bytes", &self.body.len())
            .field("is_whole", &self.is_whole)
            .field("chunks", &self.chunks.0)
            .finish()
    }
}

/// All responses to requests of these methods; panics where the bytes are none.
pub(crate) fn replies(bytes: &[u8], methods: &[&str]) -> Vec<Reply> {
    let mut bytes = bytes;
    let mut methods = methods.iter();
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let Some((head, rest)) = split(bytes, b"\r\n\r\n") else {
            panic!("half a head behind {replies:?}: {}", bytes.escape_ascii());
        };
        let head = std::str::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1."), "no head: {head:?}");
        let mut reply = Reply {
            head: undated(head),
            body: Vec::new(),
            is_whole: true,
            chunks: Chunks(Vec::new()),
        };
        bytes = rest;
        if !reply.status().starts_with('1') {
            let method = methods.next().copied();
            let Some(method) = method else {
                panic!("nobody asked for {reply:?}");
            };
            if method != "HEAD" {
                bytes = read_body(&mut reply, bytes);
            }
        }
        replies.push(reply);
    }
    replies
}

/// The bytes as they are but for dates.
pub(crate) fn undated(text: &str) -> String {
    let lines = text.split("\r\n").map(|line| {
        if line.starts_with("date: ") {
            "date: ..."
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

fn read_body<'a>(reply: &mut Reply, bytes: &'a [u8]) -> &'a [u8] {
    if reply.header("transfer-encoding") == Some("chunked") {
        return read_chunks(reply, bytes);
    }
    let length = reply
        .header("content-length")
        .map(|length| length.parse::<usize>().unwrap());
    let there = length.unwrap_or(usize::MAX).min(bytes.len());
    reply.body = bytes[..there].to_vec();
    reply.is_whole = length == Some(there);
    &bytes[there..]
}

fn read_chunks<'a>(reply: &mut Reply, mut bytes: &'a [u8]) -> &'a [u8] {
    loop {
        let Some((length, rest)) = split(bytes, b"\r\n") else {
            assert!(bytes.len() < 18, "no chunk: {}", bytes.escape_ascii());
            reply.is_whole = false;
            return b"";
        };
        let length = usize::from_str_radix(std::str::from_utf8(length).unwrap(), 16)
            .unwrap_or_else(|_| panic!("no length of a chunk: {}", length.escape_ascii()));
        let there = length.min(rest.len());
        reply.body.extend_from_slice(&rest[..there]);
        let end = &rest[there..];
        if there < length || end.len() < 2 {
            reply.is_whole = false;
            return b"";
        }
        assert_eq!(&end[..2], b"\r\n", "a chunk's end");
        bytes = &end[2..];
        if length == 0 {
            return bytes;
        }
        reply.chunks.0.push(length);
    }
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..found], &bytes[found + at.len()..]))
}
