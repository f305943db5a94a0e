use jiff::Timestamp;
use serde::Serialize;

/// What all chunks of an answer begin with.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Head {
    id: String,
    object: &'static str,
    created: i64,
    model: String,
}

impl Head {
    pub(super) fn new(number: u64, now: Timestamp, model: &str) -> Self {
        Self {
            id: format!("chatcmpl-{:x}-{number}", now.as_millisecond()),
            object: "chat.completion.chunk",
            created: now.as_second(),
            model: model.to_owned(),
        }
    }
}

/// A piece of a streamed answer.
#[derive(Debug, Serialize)]
pub(super) struct Chunk {
    #[serde(flatten)]
    head: Head,
    choices: Vec<ChunkChoice>,
    /// There only if it was asked for, and `null` until the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
}

#[derive(Debug, Serialize)]
struct ChunkChoice {
    index: u32,
    delta: Delta,
    finish_reason: Option<&'static str>,
}

/// What a piece adds to the answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

impl Delta {
    pub(super) fn role() -> Self {
        Self {
            role: Some("assistant"),
            content: Some(String::new()),
        }
    }

    pub(super) fn content(token: String) -> Self {
        Self {
            role: None,
            content: Some(token),
        }
    }

    /// Nothing more: the answer is complete.
    pub(super) fn stop() -> Self {
        Self::default()
    }
}

impl Chunk {
    pub(super) fn new(head: Head, delta: Delta, with_usage: bool) -> Self {
        let finish_reason = delta.content.is_none().then_some("stop");
        Self {
            head,
            choices: vec![ChunkChoice {
                index: 0,
                delta,
                finish_reason,
            }],
            usage: with_usage.then_some(None),
        }
    }

    pub(super) fn usage(head: Head, usage: Usage) -> Self {
        Self {
            head,
            choices: Vec::new(),
            usage: Some(Some(usage)),
        }
    }
}

/// An answer that is not streamed.
#[derive(Debug, Serialize)]
pub(super) struct Completion {
    #[serde(flatten)]
    head: Head,
    choices: [Choice; 1],
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Choice {
    index: u32,
    message: Delta,
    finish_reason: &'static str,
}

impl Completion {
    pub(super) fn new(head: Head, content: String, usage: Usage) -> Self {
        Self {
            head: Head {
                object: "chat.completion",
                ..head
            },
            choices: [Choice {
                index: 0,
                message: Delta {
                    role: Some("assistant"),
                    content: Some(content),
                },
                finish_reason: "stop",
            }],
            usage,
        }
    }
}

/// How many tokens went in and out.
#[derive(Debug, Serialize)]
pub(super) struct Usage {
    prompt_tokens: usize,
    completion_tokens: usize,
    total_tokens: usize,
}

impl Usage {
    pub(super) fn new(prompt_tokens: usize, completion_tokens: usize) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
        }
    }
}
