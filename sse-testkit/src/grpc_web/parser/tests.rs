//! The protocol's rules, one by one; and that chunks make no difference to any of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::{Item, ParseError, Parser};

fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[flags], &size[..], payload].concat()
}

fn trailers(block: &str) -> Vec<u8> {
    frame(0x80, block.as_bytes())
}

/// What was yielded, and how it ended.
type Seen = (Vec<Item>, Result<(), ParseError>);

/// Feeds the chunks one by one, to the end or to the first error.
fn parse_chunks<'a>(mut parser: Parser, chunks: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut items = Vec::new();
    for chunk in chunks {
        items.extend(parser.feed(chunk).unwrap_or_default());
    }
    (items, parser.finish())
}

fn parse(parser: Parser, body: &[u8]) -> Seen {
    parse_chunks(parser, [body])
}

/// `message` or `trailers`, and what is in them.
fn shown(items: &[Item]) -> Vec<String> {
    let show = |item: &Item| match item {
        Item::Message(it) if it.compressed => format!("compressed {:?}", it.bytes),
        Item::Message(it) => format!("message {:?}", it.bytes),
        Item::Trailers(trailers) => {
            let fields = trailers
                .iter()
                .map(|(name, value)| format!("{name}={value:?}"));
            format!("trailers {}", fields.collect::<Vec<_>>().join(" "))
        }
    };
    items.iter().map(show).collect()
}

#[test]
fn a_body_is_messages_and_then_trailers() {
    let body = [
        frame(0, b"one"),
        frame(0, b""),
        frame(1, b"gz"),
        trailers("grpc-status: 0\r\n"),
    ]
    .concat();
    let (items, end) = parse(Parser::binary(), &body);
    let expected = [
        r#"message b"one""#,
        r#"message b"""#,
        r#"compressed b"gz""#,
        r#"trailers grpc-status="0""#,
    ];
    assert_eq!(shown(&items), expected);
    assert_eq!(end, Ok(()));

    let (text_items, end) = parse(Parser::text(), STANDARD.encode(&body).as_bytes());
    assert_eq!(text_items, items);
    assert_eq!(end, Ok(()));
}

#[test]
fn the_length_is_four_bytes_and_big_endian() {
    let long = vec![b'x'; 0x0001_0203];
    let mut body = vec![0, 0, 1, 2, 3];
    body.extend(&long);
    let (items, _) = parse(Parser::binary(), &body);
    assert!(matches!(&items[..], [Item::Message(it)] if it.bytes == long));
}

#[test]
fn a_trailer_block_is_read_as_servers_write_it() {
    let cases = [
        (
            "grpc-status: 0\r\ngrpc-message: a: b\r\n",
            r#"trailers grpc-status="0" grpc-message="a: b""#,
        ),
        (
            "Grpc-Status:5\nX-A:\t 1 \n",
            r#"trailers grpc-status="5" x-a="1""#,
        ),
        ("grpc-status:0", r#"trailers grpc-status="0""#),
        ("grpc-status:0\r\n\r\n", r#"trailers grpc-status="0""#),
        ("x: 1\r\nx: 2\r\n", r#"trailers x="1" x="2""#),
        ("grpc-message:\r\n", r#"trailers grpc-message="""#),
        ("", "trailers "),
    ];
    for (block, expected) in cases {
        let (items, end) = parse(Parser::binary(), &trailers(block));
        assert_eq!(shown(&items), [expected], "{block:?}");
        assert_eq!(end, Ok(()), "{block:?}");
    }
}

#[test]
fn what_is_no_trailer_is_told() {
    for line in ["grpc-status", ": 0", "a b: 0", "a: \u{1}"] {
        let (items, end) = parse(Parser::binary(), &trailers(&format!("x: 1\r\n{line}\r\n")));
        let line = line.to_owned();
        assert_eq!((items, end), (vec![], Err(ParseError::BadTrailer { line })));
    }
}

#[test]
fn base64_is_padded_wherever_the_server_flushes() {
    let body = [frame(0, b"hi"), trailers("grpc-status:0")].concat();
    let whole = parse(Parser::binary(), &body);
    // Inside of a frame as well as in between.
    for size in 1..body.len() {
        let segments: String = body.chunks(size).map(|it| STANDARD.encode(it)).collect();
        assert_eq!(
            parse(Parser::text(), segments.as_bytes()),
            whole,
            "{segments}"
        );
    }
}

#[test]
fn what_is_not_base64_is_told_after_what_came_before_it() {
    for group in ["AA=A", "=AAA", "A===", "AA A", "AA-_", "\r\nAA"] {
        let body = STANDARD.encode(frame(0, b"a")) + group;
        let (items, end) = parse(Parser::text(), body.as_bytes());
        assert_eq!(shown(&items), [r#"message b"a""#], "{group:?}");
        let group = group.to_owned();
        assert_eq!(end, Err(ParseError::NotBase64 { group }));
    }
    let body = STANDARD.encode(trailers("grpc-status:0")) + "AA";
    let (_, end) = parse(Parser::text(), body.as_bytes());
    let group = "AA".to_owned();
    assert_eq!(end, Err(ParseError::NotBase64 { group }));
}

#[test]
fn what_can_not_be_a_body_is_told() {
    let cases = [
        (b"<html>".to_vec(), ParseError::UnknownFlags { flags: b'<' }),
        (frame(0x82, b""), ParseError::UnknownFlags { flags: 0x82 }),
        (frame(0x81, b"gz"), ParseError::CompressedTrailers),
        (
            [trailers("grpc-status: 0"), frame(0, b"")].concat(),
            ParseError::AfterTrailers,
        ),
        (
            [trailers("grpc-status: 0"), b"\0".to_vec()].concat(),
            ParseError::AfterTrailers,
        ),
        (Vec::new(), ParseError::NoTrailers),
        (frame(0, b"x"), ParseError::NoTrailers),
        (vec![0], ParseError::Truncated { missing: 4 }),
        (vec![0, 0, 0, 0, 9, 1], ParseError::Truncated { missing: 8 }),
        (vec![0x80, 0, 0, 0, 9], ParseError::Truncated { missing: 9 }),
    ];
    for (body, expected) in cases {
        let (_, end) = parse(Parser::binary(), &body);
        assert_eq!(end.unwrap_err(), expected);
        let (_, end) = parse(Parser::text(), STANDARD.encode(&body).as_bytes());
        assert_eq!(end.unwrap_err(), expected);
    }
    // Two characters of base64 are the first byte of a frame, but not yet a group.
    let (_, end) = parse(Parser::text(), b"AA");
    assert_eq!(end, Err(ParseError::Truncated { missing: 5 }));
}

#[test]
fn a_frame_over_the_limit_is_an_error_before_it_comes() {
    let limit = 4;
    let mut parser = Parser::binary().max_frame_size(limit);
    assert_eq!(parser.feed(&frame(0, b"1234")).unwrap().len(), 1);
    let before = parser.feed(b"\0\0\0\0\x01x\0\0\0\0\x05").unwrap();
    assert_eq!(before.len(), 1);
    let error = ParseError::FrameTooLarge { size: 5, limit };
    assert_eq!(parser.feed(b""), Err(error.clone()));
    assert_eq!(parser.feed(&frame(0, b"1")), Err(error.clone()));
    assert_eq!(error.to_string(), "a frame announces 5 bytes, more than 4");
    assert_eq!(parser.finish(), Err(error));

    let mut parser = Parser::binary();
    let error = parser.feed(b"\0\xff\xff\xff\xff").unwrap_err();
    let (size, limit) = (0xffff_ffff, Parser::DEFAULT_LIMIT);
    assert_eq!(error, ParseError::FrameTooLarge { size, limit });
}

#[test]
fn the_content_type_tells_which_parser() {
    let body = frame(0, b"hi");
    let cases = [
        ("application/grpc-web", true),
        ("application/grpc-web+proto", true),
        ("Application/gRPC-Web+json; charset=utf-8", true),
        ("application/grpc-web-text", false),
        ("application/grpc-web-text+proto", false),
        ("application/grpc-web-text-base64", false),
    ];
    for (content_type, binary) in cases {
        let parser = Parser::of_content_type(content_type).unwrap();
        let body = match binary {
            true => body.clone(),
            false => STANDARD.encode(&body).into(),
        };
        let (items, _) = parse(parser, &body);
        assert_eq!(shown(&items), [r#"message b"hi""#], "{content_type}");
    }
    for other in [
        "application/grpc",
        "application/grpc+proto",
        "text/html",
        "",
    ] {
        assert!(Parser::of_content_type(other).is_none(), "{other}");
    }
}

/// Bodies that are fine, and bodies that are not in all kinds of ways.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let payload = || prop::collection::vec(any::<u8>(), 0..12);
    let message = (0_u8..2, payload()).prop_map(|(flags, it)| frame(flags, &it));
    let odd = (any::<u8>(), payload()).prop_map(|(flags, it)| frame(flags, &it));
    let end = prop::sample::select(vec![
        trailers("grpc-status: 0\r\n"),
        trailers("grpc-status:5\ngrpc-message:x"),
        trailers("no trailer"),
        frame(0x81, b"gz"),
        Vec::new(),
    ]);
    let rest = prop_oneof![4 => Just(Vec::new()), 1 => payload()];
    let part = prop_oneof![8 => message, 1 => odd];
    (prop::collection::vec(part, 0..6), end, rest)
        .prop_map(|(parts, end, rest)| [parts.concat(), end, rest].concat())
}

/// The body as text, in segments, sometimes with something that is no base64.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let size = 1_usize..20;
    let rest = prop_oneof![4 => Just(String::new()), 1 => "[A-Z=+/ \n]{1,6}"];
    (bodies(), size, rest).prop_map(|(body, size, rest)| {
        let segments = body.chunks(size).map(|it| STANDARD.encode(it));
        (segments.collect::<String>() + &rest).into_bytes()
    })
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..8)
}

fn cut<'a>(body: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|it| it.index(body.len() + 1)).collect();
    cuts.extend([0, body.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|it| &body[it[0]..it[1]]).collect()
}

proptest! {
    #[test]
    fn chunks_make_no_difference(body in bodies(), cuts in cuts(), limit in 4_usize..16) {
        let parser = Parser::binary().max_frame_size(limit);
        let whole = parse(parser.clone(), &body);
        prop_assert_eq!(&parse_chunks(parser.clone(), cut(&body, &cuts)), &whole);
        prop_assert_eq!(&parse_chunks(parser, body.chunks(1)), &whole);
    }

    #[test]
    fn chunks_make_no_difference_to_text(text in texts(), cuts in cuts(), limit in 4_usize..16) {
        let parser = Parser::text().max_frame_size(limit);
        let whole = parse(parser.clone(), &text);
        prop_assert_eq!(&parse_chunks(parser.clone(), cut(&text, &cuts)), &whole);
        prop_assert_eq!(&parse_chunks(parser, text.chunks(1)), &whole);
    }

    #[test]
    fn text_says_what_binary_says(body in bodies(), size in 1_usize..20) {
        let text: String = body.chunks(size).map(|it| STANDARD.encode(it)).collect();
        let seen = parse(Parser::text(), text.as_bytes());
        prop_assert_eq!(seen, parse(Parser::binary(), &body));
    }

    #[test]
    fn what_is_framed_is_read_back(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
        let mut body: Vec<u8> = messages.iter().flat_map(|it| frame(0, it)).collect();
        body.extend(trailers("grpc-status: 0\r\n"));
        let (items, end) = parse(Parser::binary(), &body);
        prop_assert_eq!(end, Ok(()));
        let came = items.iter().filter_map(|item| match item {
            Item::Message(it) => Some(it.bytes.to_vec()),
            Item::Trailers(_) => None,
        });
        prop_assert_eq!(came.collect::<Vec<_>>(), messages);
    }
}

#[test]
fn more_trailers_than_a_map_holds_are_an_error() {
    let block: String = (0..40_000).map(|n| format!("a{n}: \r\n")).collect();
    let body = trailers(&block);
    assert!(body.len() < Parser::DEFAULT_LIMIT);
    let (items, end) = parse(Parser::binary(), &body);
    assert_eq!((items, end), (vec![], Err(ParseError::TooManyTrailers)));
}
