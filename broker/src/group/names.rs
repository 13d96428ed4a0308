//! The names of the group protocol: groups, members, instances, generations; and which partition keeps a group.

use std::{fmt, sync::Arc};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
            /// Whether the text is empty, which the protocol reads as "none given".
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A consumer group's id, chosen by its users.
    GroupId
}
name! {
    /// A member's id, chosen by the coordinator; empty in a request means "give me one".
    MemberId
}
name! {
    /// A static member's name (KIP-345), chosen by its users and kept over restarts.
    InstanceId
}
name! {
    /// A topic's name, as offsets are keyed by it.
    TopicName
}
name! {
    /// The name of an assignment strategy that members offer.
    ProtocolName
}

/// A group's term: rises with each completed rebalance. -1 in a request means "not a member".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Generation(pub i32);

impl Generation {
    /// The generation after this one; wraps to 0, so that it never collides with "not a member".
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).unwrap_or(0))
    }

    /// Whether a request with it comes from outside the group's membership (a simple consumer or an admin client).
    pub fn is_none(self) -> bool {
        self.0 < 0
    }
}

/// Which partition of `__consumer_offsets` keeps a group: Java's `String.hashCode` over UTF-16 units, made non-negative
/// (0 for `i32::MIN`, which has no absolute value), modulo the number of partitions.
pub fn partition_of(group: &str, partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has at least one partition");
    let hash = group.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    hash.checked_abs().unwrap_or(0) % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_match_java() {
        // Values of Math.abs("...".hashCode()) % 50 in Java.
        assert_eq!(partition_of("", 50), 0);
        assert_eq!(partition_of("a", 50), 97 % 50);
        assert_eq!(partition_of("hello", 50), 99_162_322 % 50);
        assert_eq!(partition_of("console-consumer-1", 50), java("console-consumer-1"));
        // U+1F600 is two UTF-16 units: 0xD83D * 31 + 0xDE00.
        assert_eq!(partition_of("\u{1F600}", 50), (0xD83D * 31 + 0xDE00) % 50);
        // This string's hash is i32::MIN.
        assert_eq!(partition_of("polygenelubricants", 50), 0);
    }

    fn java(text: &str) -> i32 {
        let hash = text.bytes().fold(0i64, |hash, byte| (hash * 31 + i64::from(byte)) & 0xffff_ffff) as u32 as i32;
        hash.abs() % 50
    }

    #[test]
    fn generations_never_become_negative() {
        assert_eq!(Generation(i32::MAX).next(), Generation(0));
        assert!(Generation(-1).is_none() && !Generation(0).is_none());
    }
}
