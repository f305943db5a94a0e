//! Base64 that is cut anywhere and padded anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ParseError;

/// Decodes group by group: padding ends a segment, and the next group begins another one.
#[derive(Debug, Clone, Default)]
pub(super) struct Base64 {
    group: [u8; 4],
    len: usize,
}

impl Base64 {
    /// Decodes as far as groups are complete, and valid.
    pub(super) fn feed(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), ParseError> {
        for byte in text {
            self.group[self.len] = *byte;
            self.len += 1;
            if self.len == self.group.len() {
                self.len = 0;
                let mut bytes = [0; 3];
                match STANDARD.decode_slice(self.group, &mut bytes) {
                    Ok(count) => out.extend_from_slice(&bytes[..count]),
                    Err(_) => return Err(not_base64(&self.group)),
                }
            }
        }
        Ok(())
    }

    /// What no complete group was made of.
    pub(super) fn rest(&self) -> &[u8] {
        &self.group[..self.len]
    }
}

/// Whether the text may end with this rest of it.
pub(super) fn complete(rest: &[u8]) -> Result<(), ParseError> {
    match rest.is_empty() {
        true => Ok(()),
        false => Err(not_base64(rest)),
    }
}

fn not_base64(group: &[u8]) -> ParseError {
    ParseError::NotBase64 {
        group: String::from_utf8_lossy(group).into_owned(),
    }
}
