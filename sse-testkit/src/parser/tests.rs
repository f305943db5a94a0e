//! The standard's rules, one by one; and that chunks make no difference to any of them.

use std::time::Duration;

use proptest::prelude::*;

use super::{Event, Item, ParseError, Parser, parse};

fn events(stream: impl AsRef<[u8]>) -> Vec<Event> {
    parse(stream)
        .unwrap()
        .into_iter()
        .filter_map(|item| match item {
            Item::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// `name=data` and `@last event id` where there is one.
fn seen(stream: impl AsRef<[u8]>) -> Vec<String> {
    let show = |event: Event| match &*event.last_event_id {
        "" => format!("{}={}", event.event, event.data),
        id => format!("{}={}@{id}", event.event, event.data),
    };
    events(stream).into_iter().map(show).collect()
}

#[test]
fn every_stream_is_understood_as_the_standard_says() {
    let cases: &[(&str, &[&str])] = &[
        // The examples of the standard.
        (
            "data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\n",
            &[
                "message=This is the first message.",
                "message=This is the second message, it\nhas two lines.",
            ],
        ),
        (
            "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
            &["add=73857293", "remove=2153"],
        ),
        (
            "data: YHOO\ndata: +2\ndata: 10\n\n",
            &["message=YHOO\n+2\n10"],
        ),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            &[
                "message=first event@1",
                "message=second event",
                "message= third event",
            ],
        ),
        ("data\n\ndata\ndata\n\ndata:", &["message=", "message=\n"]),
        (
            "data:test\n\ndata: test\n\n",
            &["message=test", "message=test"],
        ),
        // Line ends.
        (
            "data: a\rdata: b\r\rdata: c\r\n\r\n",
            &["message=a\nb", "message=c"],
        ),
        ("data: a\r\n\ndata: b\n\r\n", &["message=a", "message=b"]),
        ("data: a\n\rdata: b\r\n\r", &["message=a", "message=b"]),
        (
            "data: a\u{b}\u{c}\u{85}\u{2028}b\n\n",
            &["message=a\u{b}\u{c}\u{85}\u{2028}b"],
        ),
        // The byte order mark: one, and only in front.
        ("\u{feff}data: a\n\n", &["message=a"]),
        ("\u{feff}\u{feff}data: a\n\n", &[]),
        ("data: a\n\n\u{feff}data: b\n\n", &["message=a"]),
        ("data: \u{feff}a\n\n", &["message=\u{feff}a"]),
        // Fields.
        ("data:  a \n\n", &["message= a "]),
        ("data:\ta\n\n", &["message=\ta"]),
        ("data:a:b: c\n\n", &["message=a:b: c"]),
        (" data: a\n\n", &[]),
        ("Data: a\nDATA: b\ndata : c\n\n", &[]),
        ("data: a\nunknown: x\nunknown\n\n", &["message=a"]),
        ("event: x\nevent: y\ndata\n\n", &["y="]),
        ("event: x\nevent:\ndata\n\n", &["message="]),
        ("event: x\n\ndata: a\n\n", &["message=a"]),
        ("data: a\nevent: \u{0}x\n\n", &["\u{0}x=a"]),
        ("data: a\0b\n\n", &["message=a\0b"]),
        // Ids.
        (
            "id: 1\ndata: a\n\ndata: b\n\n",
            &["message=a@1", "message=b@1"],
        ),
        ("id: 1\n\ndata: b\n\n", &["message=b@1"]),
        (
            "id: 1\ndata: a\n\nid:\ndata: b\n\n",
            &["message=a@1", "message=b"],
        ),
        (
            "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
            &["message=a@1", "message=b@1"],
        ),
        ("id: 1\nid: 2\0\ndata: a\n\n", &["message=a@1"]),
        ("id:  1 \ndata: a\n\n", &["message=a@ 1 "]),
        // What is not finished is nothing.
        ("data: a", &[]),
        ("data: a\n", &[]),
        ("data: a\n\ndata: b\n", &["message=a"]),
        ("id: 1\ndata: a\n\nid: 2\ndata: b\n", &["message=a@1"]),
        ("\n\n\n:\n:x\n\n", &[]),
        ("", &[]),
    ];
    for (stream, expected) in cases {
        assert_eq!(seen(stream), *expected, "{stream:?}");
    }
}

#[test]
fn an_id_counts_from_the_blank_line_on() {
    let mut parser = Parser::new().with_last_event_id("0");
    assert_eq!(parser.last_event_id(), "0");
    parser.feed(b"id: 1\ndata: a\n").unwrap();
    assert_eq!(parser.last_event_id(), "0");
    parser.feed(b"\n").unwrap();
    assert_eq!(parser.last_event_id(), "1");
    let items = parser.feed(b"id: 2\n\n").unwrap();
    assert_eq!(items.last(), Some(&Item::Id("2".to_owned())));
    assert_eq!(parser.last_event_id(), "2");
    parser.feed(b"id: 3\ndata: lost").unwrap();
    assert_eq!(parser.last_event_id(), "2");
}

#[test]
fn an_event_tells_its_own_id_from_an_earlier_one() {
    let events = events("id: 1\ndata\n\ndata\n\nid\ndata\n\n");
    let own: Vec<_> = events.iter().map(|event| event.id.as_deref()).collect();
    assert_eq!(own, [Some("1"), None, Some("")]);
    let last: Vec<_> = events.iter().map(|event| &*event.last_event_id).collect();
    assert_eq!(last, ["1", "1", ""]);
}

#[test]
fn a_retry_is_digits_and_nothing_else() {
    let cases = [
        ("retry: 3000", Some(Duration::from_secs(3))),
        ("retry:0", Some(Duration::ZERO)),
        ("retry: 007", Some(Duration::from_millis(7))),
        (
            "retry: 99999999999999999999",
            Some(Duration::from_millis(u64::MAX)),
        ),
        ("retry: +1", None),
        ("retry: -1", None),
        ("retry: 1.5", None),
        ("retry: 1e3", None),
        ("retry:  1", None),
        ("retry: 1 ", None),
        ("retry: \u{661}", None),
        ("retry:", None),
        ("retry", None),
    ];
    for (line, expected) in cases {
        let mut parser = Parser::new();
        // In force at the end of the line, without a blank one.
        parser.feed(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(parser.retry(), expected, "{line:?}");
    }
}

#[test]
fn comments_fields_and_blank_lines_are_seen() {
    let items = parse(": hello\n:\n:  x\n\nretry: 5\nfoo: bar\n\n\ndata: a\n: inside\n\n").unwrap();
    let shown: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::Comment(text) => format!("comment {text:?}"),
            Item::Field(field) => format!("field {:?} {:?}", field.name, field.value),
            Item::Retry(delay) => format!("retry {delay:?}"),
            Item::Event(event) => format!("event {:?} {:?}", event.data, event.comments),
            Item::Id(id) => format!("id {id:?}"),
            Item::Blank => "blank".to_owned(),
        })
        .collect();
    let expected = [
        r#"comment "hello""#,
        r#"comment """#,
        r#"comment " x""#,
        "blank",
        r#"field "retry" "5""#,
        "retry 5ms",
        r#"field "foo" "bar""#,
        "blank",
        "blank",
        r#"field "data" "a""#,
        r#"comment "inside""#,
        r#"event "a" ["inside"]"#,
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_cr_ends_the_line_at_once_and_swallows_the_lf_of_the_next_chunk() {
    let mut parser = Parser::new();
    assert_eq!(parser.feed(b"data: a\r").unwrap().len(), 1);
    // The LF ends nothing, or the event would come here.
    assert_eq!(parser.feed(b"\n").unwrap(), []);
    let dispatched = parser.feed(b"\r").unwrap();
    assert!(matches!(&*dispatched, [Item::Event(event)] if event.data == "a"));
    assert_eq!(parser.feed(b"").unwrap(), []);
    assert_eq!(parser.feed(b"\n").unwrap(), []);
    assert_eq!(parser.feed(b"\n").unwrap(), [Item::Blank]);
}

#[test]
fn bad_utf8_becomes_replacement_characters() {
    assert_eq!(
        seen(b"data: a\xFFb\xE2\x82\n\ndata: \xC0\xAF\n\n"),
        ["message=a\u{fffd}b\u{fffd}", "message=\u{fffd}\u{fffd}",]
    );
    assert_eq!(
        seen(b"\xEF\xBBdata: a\n\ndata: \xF0\x9F\x98\xF0\x9F\x98\x80\n\n"),
        ["message=\u{fffd}\u{1f600}"]
    );
}

#[test]
fn what_the_end_cuts_off_is_returned() {
    let mut parser = Parser::new();
    parser.feed(b"data: a\n\nid: 7\ndata: b\nda").unwrap();
    let unfinished = parser.finish().unwrap().unwrap();
    assert_eq!(unfinished.fields.len(), 2);
    assert_eq!(unfinished.fields[0].name, "id");
    assert_eq!(unfinished.line, "da");

    let mut parser = Parser::new();
    parser.feed(b"data: a\n\n").unwrap();
    assert_eq!(parser.finish(), Ok(None));
}

#[test]
fn a_line_over_the_limit_is_an_error_after_what_came_before_it() {
    let limit = 8;
    let mut parser = Parser::new().max_line_size(limit);
    assert_eq!(parser.feed(b"data: 12\n\n").unwrap().len(), 2);
    let before = parser.feed(b"data: ab\n\ndata: 123\n\n").unwrap();
    assert_eq!(before.len(), 2);
    let error = ParseError::LineTooLong { limit };
    assert_eq!(parser.feed(b""), Err(error));
    assert_eq!(parser.feed(b"data: a\n\n"), Err(error));
    assert_eq!(parser.finish(), Err(error));
    assert_eq!(error.to_string(), "a line is longer than 8 bytes");

    let mut parser = Parser::new().max_line_size(limit);
    assert_eq!(
        parser.feed(b"no line end"),
        Err(error),
        "found out before the line ends"
    );
}

#[test]
fn an_event_over_the_limit_is_an_error() {
    let limit = 16;
    let mut parser = Parser::new().max_event_size(limit);
    let items = parser
        .feed(b"data: 12\ndata: 34\n\ndata: 12\ndata: 34\n\n")
        .unwrap();
    assert_eq!(items.len(), 6, "each event has its own sixteen bytes");
    assert_eq!(parser.feed(b"data: 12\ndata: 345\n").unwrap().len(), 1);
    assert_eq!(parser.finish(), Err(ParseError::EventTooLarge { limit }));
}

#[test]
fn more_than_a_mebibyte_is_fine_by_default() {
    let data = "x".repeat(3 << 20);
    assert_eq!(
        events(format!("data: {data}\ndata: {data}\n\n"))[0]
            .data
            .len(),
        (6 << 20) + 1
    );
}

/// Heartbeats without a blank line go on for as long as a server likes.
#[test]
fn comments_without_end_are_not_kept() {
    let mut parser = Parser::new().max_event_size(1000);
    for _ in 0..10_000 {
        assert_eq!(parser.feed(b":\n: alive\n").unwrap().len(), 2);
    }
    let items = parser.feed(b": last\ndata: x\n\n").unwrap();
    let Some(Item::Event(event)) = items.last() else {
        panic!("{items:?}")
    };
    assert_eq!(event.data, "x");
    assert_eq!(event.comments.last().unwrap(), "last");
    assert!(event.comments.len() < 100, "{}", event.comments.len());

    // Inside of an event they make it too large.
    let limit = 1000;
    let mut parser = Parser::new().max_event_size(limit);
    parser.feed(b"data: x\n").unwrap();
    let fed = (0..1000).find_map(|_| parser.feed(b":\n").err());
    assert_eq!(fed, Some(ParseError::EventTooLarge { limit }));
}

/// Streams full of what is special.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => prop::sample::select(vec![
            &b"\n"[..], b"\r", b"\r\n", b"\n\n", b"data: a", b"data", b"data:", b"id: 1", b"id: 2\0", b"id",
            b"event: e", b"retry: 12", b":", b": c", b"\xEF\xBB\xBF", b"\xEF\xBB", b"\xE2\x82\xAC",
            b"\xF0\x9F", b"\xFF", b" ", b"foo: bar",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn chunks_make_no_difference(stream in streams(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let whole = parse(&stream).unwrap();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut parser = Parser::new();
        let mut items = Vec::new();
        for cut in cuts.windows(2) {
            items.extend(parser.feed(&stream[cut[0]..cut[1]]).unwrap());
        }
        prop_assert_eq!(&items, &whole);

        let mut parser = Parser::new();
        let bytes: Vec<_> = stream.iter().flat_map(|it| parser.feed(&[*it]).unwrap()).collect();
        prop_assert_eq!(&bytes, &whole);
    }

    #[test]
    fn limits_do_not_depend_on_chunks_either(stream in streams(), limit in 1_usize..12) {
        let limited = || Parser::new().max_line_size(limit).max_event_size(limit + 4);
        let mut parser = limited();
        let mut whole = Vec::new();
        let mut input = &*stream;
        while let Ok(items) = parser.feed(input) {
            if items.is_empty() { break; }
            whole.extend(items);
            input = b"";
        }
        let whole_end = parser.finish();

        let mut parser = limited();
        let mut bytes = Vec::new();
        for byte in &stream {
            bytes.extend(parser.feed(&[*byte]).unwrap_or_default());
        }
        prop_assert_eq!(bytes, whole);
        prop_assert_eq!(parser.finish(), whole_end);
    }

    #[test]
    fn what_is_written_line_by_line_is_read_back(lines in prop::collection::vec("[^\r\n]*", 1..5), end in "\r|\n|\r\n") {
        let mut stream = String::new();
        for line in &lines {
            stream.push_str(&format!("data: {line}{end}"));
        }
        stream.push_str(&end);
        prop_assert_eq!(&events(&stream)[0].data, &lines.join("\n"));
    }
}
