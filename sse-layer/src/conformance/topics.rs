//! Topics, which have any name.

use tokio::task::JoinSet;

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{LIMIT, Scene, numbers},
};
use crate::backplane::{Backplane, Place};

pub(super) async fn topics_never_mix<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    let names = names();
    for name in &names {
        there.listen(name).await?;
    }
    let mut expected = Vec::new();
    for round in 0..2 {
        for name in &names {
            let frame = format!("{round} {name}");
            let place = here.put(name, &frame).await?;
            expected.push((name, place.sequence, frame));
        }
    }
    there.seen.until_count(expected.len()).await?;
    let last = expected.last().map_or(0, |(_, sequence, _)| *sequence);
    there.seen.until_has(last).await?;
    for (message, (name, sequence, frame)) in there.seen.all().iter().zip(&expected) {
        ensure!(
            message.topic == **name && message.event.frame == frame.as_bytes(),
            "what was published to {name:?} as {sequence} was handed over as {message:?}"
        );
    }
    ensure!(
        there.seen.count() == expected.len(),
        "{} messages were handed over instead of {}",
        there.seen.count(),
        expected.len()
    );
    for name in &names {
        let (_, read) = there.read_all(name, 0, LIMIT).await?;
        let newest = there.newest(name, LIMIT).await?.messages;
        let of_topic: Vec<u64> = expected
            .iter()
            .filter(|(of, ..)| *of == name)
            .map(|(_, sequence, _)| *sequence)
            .collect();
        ensure!(
            numbers(&read) == of_topic && numbers(&newest) == of_topic,
            "{of_topic:?} was published to {name:?}, and read {read:?}, the newest {newest:?}"
        );
    }
    Ok(())
}

pub(super) async fn a_topic_is_no_pattern<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    let (here, there) = (scene.node().await?, scene.node().await?);
    let patterns = [
        "*", ">", "a.*", "a.>", "a*", "?", "[ab]", "%", "#", "+", "a/#", ".*", "\\*",
    ];
    for name in patterns {
        there.listen(name).await?;
    }
    for name in names() {
        if !patterns.contains(&name.as_str()) {
            here.put(&name, &name).await?;
        }
    }
    let last = here.put("*", "last").await?;
    there.seen.until_has(last.sequence).await?;
    let seen = there.seen.all();
    ensure!(
        seen.len() == 1,
        "who listens to {patterns:?} was also handed {seen:?}"
    );
    Ok(())
}

pub(super) async fn ten_thousand_topics<E: Engines>(scene: &Scene<'_, E>) -> Result<(), Failed> {
    const TOPICS: usize = 10_000;
    const AT_ONCE: usize = 100;
    let (here, there) = (scene.node().await?, scene.node().await?);
    let mut listening = JoinSet::new();
    for n in 0..TOPICS {
        let there = there.clone();
        listening.spawn(async move { there.listen(&format!("topic {n}")).await });
    }
    while let Some(listened) = listening.join_next().await {
        listened??;
    }
    let mut publishing = JoinSet::new();
    for first in 0..AT_ONCE {
        let here = here.clone();
        publishing.spawn(async move {
            let mut last = Place {
                epoch: 0,
                sequence: 0,
            };
            for n in (first..TOPICS).step_by(AT_ONCE) {
                last = here.put(&format!("topic {n}"), &n.to_string()).await?;
            }
            Ok::<_, Failed>(last)
        });
    }
    while let Some(published) = publishing.join_next().await {
        published??;
    }
    there.seen.until_count(TOPICS).await?;
    let mut seen = vec![0; TOPICS];
    for message in there.seen.all() {
        let n: usize = message
            .topic
            .strip_prefix("topic ")
            .and_then(|n| n.parse().ok())
            .filter(|n| *n < TOPICS)
            .ok_or_else(|| Failed::new(format!("{:?} was handed over", message.topic)))?;
        ensure!(
            message.event.frame == n.to_string().as_bytes(),
            "to {:?} was handed over {:?}",
            message.topic,
            message.event
        );
        seen[n] += 1;
    }
    if let Some(n) = seen.iter().position(|count| *count != 1) {
        return Err(Failed::new(format!(
            "what was published to topic {n} was handed over {} times",
            seen[n]
        )));
    }
    Ok(())
}

/// Names that an engine may take for something else, or for one another.
fn names() -> Vec<String> {
    let names = [
        "a",
        "A",
        "b",
        "aa",
        "a.b",
        "a.b.c",
        "a.",
        ".a",
        ".",
        "..",
        "../a",
        "a..b",
        "a/b",
        "/a",
        "a:b",
        ":",
        "a,b",
        "*",
        "a*",
        "a.*",
        "*.b",
        ">",
        "a.>",
        "a>",
        "?",
        "a?",
        "[ab]",
        "[^a]",
        "{a}",
        "{a}b",
        "{b}a",
        "{}",
        "{",
        "}",
        "a}",
        "{a}{b}",
        " ",
        "  ",
        "a b",
        " a",
        "a ",
        "\t",
        "a\tb",
        "\n",
        "a\nb",
        "a\r\nb",
        "\r",
        "\0",
        "a\0",
        "a\0b",
        "%",
        "%61",
        "%2561",
        "a%2Eb",
        "a%2eb",
        "=61",
        "\\x61",
        "\\",
        "a\\b",
        "\"a\"",
        "'a'",
        "61",
        "YQ",
        "YQ==",
        "_",
        "__",
        "-",
        "--",
        "+",
        "#",
        "$",
        "$JS.API.>",
        "$SYS",
        "_INBOX.a",
        "__keyspace@0__:a",
        "null",
        "0",
        "00",
        "-1",
        "é",
        "e\u{301}",
        "É",
        "ß",
        "ss",
        "ſ",
        "s",
        "İ",
        "i",
        "日本",
        "🦀",
        "🦀🦀",
        "\u{feff}a",
        "\u{200b}",
        "a\u{200b}",
        "\u{2028}",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{7f}",
        "\u{80}",
        "\u{1b}[0m",
    ];
    let long = [
        "a".repeat(255),
        "a".repeat(256),
        "é".repeat(128),
        "🦀".repeat(64),
        "*".repeat(256),
        " ".repeat(256),
        "\0".repeat(256),
        ".".repeat(256),
    ];
    names.map(str::to_owned).into_iter().chain(long).collect()
}
