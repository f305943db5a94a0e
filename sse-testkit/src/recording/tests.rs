//! What is written is read back, and what is wrong is told.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::entry::Entry;
use super::*;

fn entry() -> impl Strategy<Value = Entry> {
    let header = ("[a-c]", prop::collection::vec(0x20..=0xffu8, 0..4));
    let headers = prop::collection::vec(header, 0..4).prop_map(|pairs| {
        let pairs = pairs.into_iter().filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(&value).ok()?))
        });
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    });
    let status = (100..1000u16).prop_filter_map("a status", |code| StatusCode::from_u16(code).ok());
    prop_oneof![
        any::<String>().prop_map(|last_event_id| Entry::Connect { last_event_id }),
        (status, headers).prop_map(|(status, headers)| Entry::Head { status, headers }),
        any::<String>().prop_map(|text| Entry::Chunk(text.into())),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| Entry::Chunk(bytes.into())),
        Just(Entry::End),
        any::<String>().prop_map(Entry::Error),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        url in any::<Option<String>>(),
        entries in prop::collection::vec((0..10_000u64, entry()), 0..40),
    ) {
        let mut recording = Recording { url, ..Recording::default() };
        let mut at = Duration::ZERO;
        let mut entries_in_order = Vec::new();
        for (pause, entry) in entries {
            at += Duration::from_millis(pause);
            // Those that can't stand here are left out.
            if recording.push(at, entry.clone()).is_ok() {
                entries_in_order.push((at, entry));
            }
        }
        let text = recording.to_string();
        prop_assert_eq!(text.parse::<Recording>().unwrap(), recording.clone(), "{}", text);
        let said: Vec<_> = recording.entries().collect();
        // A first head may stand without a connection, which is then made for it.
        let made = said.len() - entries_in_order.len();
        prop_assert!(made <= 1);
        prop_assert_eq!(&said[made..], &entries_in_order[..]);
    }
}

#[test]
fn a_recording_reads_as_the_format_says() {
    let mut recording = Recording {
        url: Some("http://a.test/".to_owned()),
        ..Recording::default()
    };
    let headers = [("b", "1"), ("a", "x"), ("b", "2")].map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    let ms = Duration::from_millis;
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, value);
    }
    map.append("c", HeaderValue::from_bytes(b"\xe9").unwrap());
    let entries = [
        (
            0,
            Entry::Connect {
                last_event_id: "7".to_owned(),
            },
        ),
        (
            2,
            Entry::Head {
                status: StatusCode::OK,
                headers: map,
            },
        ),
        (2, Entry::Chunk(Bytes::from("data: \"é\"\n\n"))),
        (9, Entry::Chunk(Bytes::from_static(b"\xc3"))),
        (10, Entry::Error("reset".to_owned())),
    ];
    for (at, entry) in entries {
        recording.push(ms(at), entry).unwrap();
    }
    insta::assert_snapshot!(recording, @r#"
    {"sse_recording":1,"url":"http://a.test/"}
    {"at":0,"connect":"7"}
    {"at":2,"status":200,"headers":{"a":"x","b":["1","2"],"c":{"base64":"6Q=="}}}
    {"at":2,"text":"data: \"é\"\n\n"}
    {"at":9,"base64":"ww=="}
    {"at":10,"error":"reset"}
    "#);
}

#[test]
fn times_written_by_hand_may_count_from_the_line_before() {
    let recording: Recording = "\u{feff}
        # a comment
        {\"sse_recording\": 1}
        {\"at\": 5, \"status\": 200}

        {\"after\": 7, \"text\": \"a\"}
        {\"text\": \"b\"}\r
        {\"at\": 20, \"end\": true}"
        .parse()
        .unwrap();
    let exchange = &recording.exchanges()[0];
    let times: Vec<_> = exchange
        .chunks()
        .iter()
        .map(|it| it.elapsed.as_millis())
        .collect();
    assert_eq!(times, [12, 12]);
    // The request is not written, and was at the start.
    assert_eq!(exchange.at(), Duration::ZERO);
    assert_eq!(exchange.head_at(), Some(Duration::from_millis(5)));
    let at = Duration::from_millis(20);
    assert_eq!(exchange.ending(), &Ending::End { at });
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let head = "{\"sse_recording\":1}\n{\"status\":200}\n";
    let told = |lines: &str| {
        let error = format!("{head}{lines}").parse::<Recording>().unwrap_err();
        assert!(error.line().is_some_and(|line| line >= 3));
        error.to_string()
    };
    let mut errors: Vec<_> = [
        "{",
        "[]",
        "{}",
        "{\"at\":1}",
        "{\"tex\":1}",
        "{\"text\":1}",
        "{\"text\":\"\",\"base64\":\"\"}",
        "{\"text\":\"\",\"txt\":\"\"}",
        "{\"text\":\"\",\"headers\":{}}",
        "{\"base64\":\"?\"}",
        "{\"end\":false}",
        "{\"at\":1.5,\"end\":true}",
        "{\"at\":1,\"after\":1,\"end\":true}",
        "{\"at\":5,\"text\":\"\"}\n{\"at\":4,\"text\":\"\"}",
        "{\"status\":200}",
        "{\"end\":true}\n{\"text\":\"\"}",
        "{\"end\":true}\n{\"status\":200}",
        "{\"connect\":\"\"}\n{\"text\":\"\"}",
        "{\"connect\":\"\"}\n{\"status\":99}",
        "{\"connect\":\"\"}\n{\"status\":200,\"headers\":{\"a b\":\"\"}}",
        "{\"connect\":\"\"}\n{\"status\":200,\"headers\":{\"a\":\"\\n\"}}",
        "{\"connect\":\"\"}\n{\"status\":200,\"headers\":{\"a\":1}}",
        "{\"connect\":\"\"}\n{\"status\":200,\"headers\":[]}",
    ]
    .map(told)
    .to_vec();
    for text in [
        "",
        "{}",
        "{\"sse_recording\":2}",
        "{\"sse_recording\":\"1\"}",
        "{\"sse_recording\":1,\"x\":1}",
    ] {
        errors.push(text.parse::<Recording>().unwrap_err().to_string());
    }
    let torn = Recording::from_bytes(b"{\"sse_recording\":1}\n{\"text\":\"\xc3\"}");
    errors.push(torn.unwrap_err().to_string());
    insta::assert_snapshot!(errors.join("\n"));
}

/// Whoever stops the program has the lines in the file, whatever is between it and the writer.
#[test]
fn each_line_is_written_through() {
    let mut buffered = std::io::BufWriter::new(Vec::new());
    let mut writer = Writer::new(&mut buffered, None).unwrap();
    writer
        .write(&crate::Sighting {
            elapsed: Duration::ZERO,
            seen: crate::Seen::Request {
                uri: http::Uri::from_static("/"),
                last_event_id: "7".to_owned(),
            },
        })
        .unwrap();
    assert!(buffered.get_ref().ends_with(b"\"connect\":\"7\"}\n"));
}
