//! Kafka's ids of topics, directories and clusters: sixteen bytes, shown as 22 characters of URL-safe base64.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SHOWN: usize = 22;

/// A topic, directory or cluster id.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// No id.
    pub const ZERO: Uuid = Uuid([0; 16]);

    /// Whether it says "no id".
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// An id out of sixteen random bytes, or `None` if they make one that Kafka avoids: the reserved ids 0 and 1,
    /// and ids that would look like an option on a command line.
    pub fn from_random(bytes: [u8; 16]) -> Option<Self> {
        let reserved = bytes[..15] == [0; 15] && bytes[15] <= 1;
        let leading_dash = bytes[0] >> 2 == 62;
        (!reserved && !leading_dash).then_some(Self(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        let mut text = [0; SHOWN];
        for (place, shown) in text.iter_mut().enumerate() {
            // 22 characters hold 132 bits: the number, then four zero bits.
            let bits = if place < SHOWN - 1 { number >> (122 - 6 * place) } else { number << 4 };
            *shown = ALPHABET[(bits & 63) as usize];
        }
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadUuid;

impl fmt::Display for BadUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 22 characters of URL-safe base64")
    }
}

impl std::error::Error for BadUuid {}

impl FromStr for Uuid {
    type Err = BadUuid;

    fn from_str(text: &str) -> Result<Self, BadUuid> {
        if text.len() != SHOWN {
            return Err(BadUuid);
        }
        let mut number = 0_u128;
        for (place, shown) in text.bytes().enumerate() {
            let bits = ALPHABET.iter().position(|c| *c == shown).ok_or(BadUuid)? as u128;
            if place < SHOWN - 1 {
                number = number << 6 | bits;
            } else if bits & 15 == 0 {
                number = number << 2 | bits >> 4;
            } else {
                return Err(BadUuid);
            }
        }
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_reads_as_kafka_does() {
        // From a Kafka cluster's log: kafka-storage random-uuid and its bytes.
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        let all: [u8; 16] = std::array::from_fn(|i| (i * 37 + 5) as u8);
        let text = Uuid(all).to_string();
        assert_eq!(text.len(), 22);
        assert_eq!(text.parse(), Ok(Uuid(all)));
        assert_eq!(Uuid([0xff; 16]).to_string(), "_____________________w");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAA="] {
            assert_eq!(text.parse::<Uuid>(), Err(BadUuid), "{text}");
        }
    }

    #[test]
    fn ids_that_confuse_are_not_made() {
        assert_eq!(Uuid::from_random([0; 16]), None);
        assert_eq!(Uuid::from_random([0xf8; 16]), None, "begins with a dash");
        assert_eq!(Uuid::from_random([7; 16]), Some(Uuid([7; 16])));
    }
}
