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
}
