//! Key pairs and tokens as NATS has them, made anew for each test.

use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{Value, json};

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Whose key it is: the first letter of the public key, and the first byte that makes it so.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Account = 0,
    Operator = 14 << 3,
    User = 20 << 3,
}

pub(crate) struct Identity {
    kind: Kind,
    key: KeyPair,
}

impl Identity {
    pub(crate) fn new(kind: Kind) -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        Self { kind, key }
    }

    /// The public key.
    pub(crate) fn name(&self) -> String {
        checked([&[self.kind as u8], self.key.public_key_raw()].concat())
    }

    /// The private key.
    pub(crate) fn seed(&self) -> String {
        const SEED: u8 = 18 << 3;
        let kind = self.kind as u8;
        let prefix = [SEED | kind >> 5, kind << 3];
        // PKCS #8 has it behind 16 bytes that are always the same.
        let secret = &self.key.serialized_der()[16..48];
        checked([&prefix, secret].concat())
    }

    /// What this one says of another, or of itself.
    pub(crate) fn says(&self, of: &Self, nats: &Value) -> String {
        let claims = json!({
            "jti": "id",
            "iat": 1_700_000_000,
            "iss": self.name(),
            "sub": of.name(),
            "name": "test",
            "nats": nats,
        });
        let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
        let text = |value: &Value| encode(value.to_string().as_bytes(), BASE64);
        let said = format!("{}.{}", text(&header), text(&claims));
        let signature = self.key.sign(said.as_bytes()).unwrap();
        format!("{said}.{}", encode(&signature, BASE64))
    }
}

/// With the checksum at its end: CRC-16, as in XMODEM.
fn checked(mut bytes: Vec<u8>) -> String {
    let mut sum = 0_u16;
    for byte in &bytes {
        sum ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            let carry = sum >> 15;
            sum = (sum << 1) ^ (carry * 0x1021);
        }
    }
    bytes.extend(sum.to_le_bytes());
    encode(&bytes, BASE32)
}

/// As many bits a letter as the alphabet has letters for, the first first; without padding.
fn encode(bytes: &[u8], alphabet: &[u8]) -> String {
    let width = alphabet.len().ilog2();
    let (mut held, mut count, mut text) = (0_usize, 0, String::new());
    let letter = |bits: usize| char::from(alphabet[bits % alphabet.len()]);
    for byte in bytes {
        held = held << 8 | usize::from(*byte);
        count += 8;
        while count >= width {
            count -= width;
            text.push(letter(held >> count));
        }
        held %= 1 << count;
    }
    if count > 0 {
        text.push(letter(held << (width - count)));
    }
    text
}
