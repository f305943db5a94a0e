//! The lines since the last blank line.

use std::time::Duration;

use super::Field;

#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    pub(super) event: String,
    /// `None` until there is a `data` line: an empty one makes an event, none does not.
    pub(super) data: Option<String>,
    pub(super) id: Option<String>,
    pub(super) retry: Option<Duration>,
    pub(super) comments: Vec<String>,
    pub(super) fields: Vec<Field>,
    pub(super) size: usize,
    comments_size: usize,
}

impl Block {
    /// Joins the lines with LF, which is the standard's "append LF to each, drop the last one".
    pub(super) fn push_data(&mut self, value: &str) {
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
    }

    /// Keeps a comment, and tells whether it still fits in.
    ///
    /// Heartbeats that no blank line follows have no end, so before an event only the last ones are
    /// kept.
    pub(super) fn push_comment(&mut self, comment: &str, limit: usize) -> bool {
        // An empty one takes room as well.
        let size = comment.len() + size_of::<String>();
        if self.fields.is_empty() {
            self.comments_size += size;
            if self.comments_size > limit {
                self.comments.clear();
                self.comments_size = size;
            }
        } else {
            self.size += size;
        }
        self.comments.push(comment.to_owned());
        self.size <= limit
    }
}
