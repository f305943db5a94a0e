//! From the bytes of an event stream to records.

use crate::frame::{Assembler, Frame};
use crate::parser::{Parser, Unfinished};
use crate::record::{Head, What};
use crate::recorder::Decoder;

/// What decodes a response with this head, to a client that asked with this id; nothing if it is no
/// event stream.
pub(crate) fn decoder(head: &Head, last_event_id: &str) -> Option<Box<dyn Decoder>> {
    head.is_event_stream().then(|| {
        Box::new(EventDecoder {
            parser: Parser::new().with_last_event_id(last_event_id),
            assembler: Assembler::new(),
        }) as Box<dyn Decoder>
    })
}

struct EventDecoder {
    parser: Parser,
    assembler: Assembler,
}

impl Decoder for EventDecoder {
    fn chunk(&mut self, bytes: &[u8], at_head: bool) -> Vec<What> {
        self.assembler.begin_chunk(at_head);
        let mut frames = Vec::new();
        // An error is told after the items that came before it, so ask once more.
        let mut parsed = self.parser.feed(bytes);
        while let Ok(items) = parsed {
            if items.is_empty() {
                return whats(frames);
            }
            for item in items {
                self.assembler.item(item, &mut frames);
            }
            parsed = self.parser.feed(b"");
        }
        let mut whats = whats(frames);
        whats.extend(parsed.err().map(|error| What::Error(error.to_string())));
        whats
    }

    fn finish(self: Box<Self>) -> Vec<What> {
        vec![match self.parser.finish() {
            Ok(unfinished) => What::End {
                discarded: unfinished.and_then(|it| discarded(&it)),
            },
            Err(error) => What::Error(error.to_string()),
        }]
    }

    fn pause(&mut self) -> Vec<What> {
        let mut frames = Vec::new();
        self.assembler.settle(&mut frames);
        whats(frames)
    }

    fn over(&mut self) -> Vec<What> {
        let mut frames = Vec::new();
        self.assembler.finish(&mut frames);
        whats(frames)
    }

    fn is_undecided(&self) -> bool {
        self.assembler.is_undecided()
    }

    fn part(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        (!self.assembler.is_opening()).then(|| format!("a part of a block: {text:?}"))
    }
}

fn whats(frames: Vec<Frame>) -> Vec<What> {
    frames.into_iter().map(What::Frame).collect()
}

/// The part that is lost. A `retry` line is in force without a blank line.
fn discarded(unfinished: &Unfinished) -> Option<String> {
    let mut text = String::new();
    for field in unfinished.fields.iter().filter(|it| it.name != "retry") {
        text.push_str(&field.name);
        text.push_str(": ");
        text.push_str(&field.value);
        text.push('\n');
    }
    text.push_str(&unfinished.line);
    (!text.is_empty()).then_some(text)
}
