use serde::Deserialize;

use super::error::OpenAiError;
use crate::ai::MAX_PROMPT_LEN;

/// What is read of a request; clients send much more.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    messages: Vec<ChatMessage>,
    #[serde(default)]
    pub(super) stream: bool,
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Deserialize)]
struct ChatMessage {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

impl ChatRequest {
    /// What the user said last.
    pub(super) fn prompt(&self) -> Result<&str, OpenAiError> {
        if self.stream_options.is_some() && !self.stream {
            return Err(OpenAiError::invalid(
                "stream_options",
                "'stream_options' is only allowed when 'stream' is enabled",
            ));
        }
        let prompt = self
            .messages
            .iter()
            .rev()
            .filter(|message| message.role == "user")
            .find_map(|message| message.content.as_ref()?.text())
            .ok_or_else(|| OpenAiError::invalid("messages", "there is no text from the user"))?;
        if prompt.len() > MAX_PROMPT_LEN {
            return Err(OpenAiError::invalid(
                "messages",
                format!("a message must have at most {MAX_PROMPT_LEN} bytes"),
            ));
        }
        Ok(prompt)
    }

    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options
            .as_ref()
            .is_some_and(|options| options.include_usage)
    }
}

impl Content {
    fn text(&self) -> Option<&str> {
        let text = match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.iter().find_map(|part| part.text.as_deref())?,
        };
        Some(text).filter(|text| !text.trim().is_empty())
    }
}
