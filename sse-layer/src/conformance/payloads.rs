//! Frames, which have any bytes that text has.

use super::{
    Engines,
    failed::{Failed, ensure},
    scene::{BOUNDS, LIMIT, Scene},
};
use crate::backplane::{Backplane, Bounds};

pub(super) async fn frames_come_back_as_they_were<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    let every_first_byte: String = (0..0x11_0000_u32)
        .step_by(61)
        .chain(0..0x800)
        .filter_map(char::from_u32)
        .collect();
    let mut frames: Vec<String> = (0..=0x7f_u8)
        .map(|byte| char::from(byte).to_string())
        .collect();
    frames.push(every_first_byte);
    let like_protocols = [
        "\n",
        "\n\n",
        "\r\n",
        "\r\n\r\n",
        "data: 1\n\n",
        "event: a\ndata: 1\ndata\ndata:\n\n",
        "id: 1\n\n",
        "+OK\r\n",
        "-ERR\r\n",
        "$5\r\nhello\r\n",
        "*2\r\n$1\r\na\r\n",
        "$-1\r\n",
        "MSG a 1 5\r\nhello\r\n",
        "PING\r\n",
        "NATS/1.0\r\nA: b\r\n\r\n",
        "1 2 3\n",
        "0 0 0\n0",
        "null",
        "{\"data\":1}",
        "\0\0",
        "%00",
        "\u{feff}",
        " ",
        "  \n",
        "0",
        "-0",
        "1e3",
    ];
    frames.extend(like_protocols.map(str::to_owned));
    let (here, there) = (scene.node().await?, scene.node().await?);
    there.listen("t").await?;
    for frame in &frames {
        here.put("t", frame).await?;
    }
    there.seen.until_count(frames.len()).await?;
    let (_, read) = there.read_all("t", 0, LIMIT).await?;
    let newest = there.newest("t", LIMIT).await?.messages;
    for (how, messages) in [
        ("handed over", there.seen.of("t")),
        ("read", read),
        ("read as one of the newest", newest),
    ] {
        for (message, frame) in messages.iter().zip(&frames) {
            ensure!(
                message.frame == frame.as_bytes(),
                "{frame:?} was published, and {how} {:?}",
                String::from_utf8_lossy(&message.frame)
            );
        }
        ensure!(
            messages.len() == frames.len(),
            "{} frames were published, and {} {how}",
            frames.len(),
            messages.len()
        );
    }
    Ok(())
}

pub(super) async fn a_frame_may_have_a_mebibyte<E: Engines>(
    scene: &Scene<'_, E>,
) -> Result<(), Failed> {
    const MEBIBYTE: usize = 1024 * 1024;
    let bounds = Bounds {
        bytes: 64 * MEBIBYTE,
        ..BOUNDS
    };
    let (here, there) = (
        scene.node_with(bounds).await?,
        scene.node_with(bounds).await?,
    );
    there.listen("t").await?;
    let mut frames = Vec::new();
    for n in 0..3 {
        let mut frame = format!("data: {n} ");
        let line = "The quick brown fox jumps over the lazy dog. ";
        frame.extend(line.chars().cycle().take(MEBIBYTE - frame.len() - 2));
        frame.push_str("\n\n");
        here.put("t", &frame).await?;
        frames.push(frame);
    }
    there.seen.until_count(frames.len()).await?;
    let (_, read) = there.read_all("t", 0, LIMIT).await?;
    for (how, messages) in [("handed over", there.seen.of("t")), ("read", read)] {
        let are_same = messages
            .iter()
            .map(|message| &*message.frame)
            .eq(frames.iter().map(String::as_bytes));
        ensure!(
            are_same,
            "three frames of 1 MiB were published, and others were {how}, of the lengths {:?}",
            messages
                .iter()
                .map(|message| message.frame.len())
                .collect::<Vec<_>>()
        );
    }
    Ok(())
}
