//! The one thing a coordinator reads of its members' metadata: the topics to which a consumer subscribes. Whether
//! offsets may expire or be deleted depends on it.

use super::names::TopicName;

/// Topics of a consumer's subscription: an i16 version, then, in every version, an i32 count of i16-prefixed strings.
/// `None` if the bytes are not of that form, in which case the coordinator does not know the subscription.
pub(super) fn topics(metadata: &[u8]) -> Option<Vec<TopicName>> {
    let mut rest = metadata;
    let version = i16::from_be_bytes(take(&mut rest)?);
    if version < 0 {
        return None;
    }
    let count = i32::from_be_bytes(take(&mut rest)?);
    // Never reserved by the count: each topic takes at least two bytes, so the loop ends with the bytes.
    let mut topics = Vec::new();
    for _ in 0..count.max(0) {
        let length = usize::try_from(i16::from_be_bytes(take(&mut rest)?)).ok()?;
        let (name, tail) = rest.split_at_checked(length)?;
        topics.push(std::str::from_utf8(name).ok()?.into());
        rest = tail;
    }
    Some(topics)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

/// A version 0 subscription to `names`, for tests.
#[cfg(test)]
pub(super) fn encode(names: &[&str]) -> bytes::Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend((names.len() as i32).to_be_bytes());
    for name in names {
        bytes.extend((name.len() as i16).to_be_bytes());
        bytes.extend(name.as_bytes());
    }
    bytes.extend((-1i32).to_be_bytes());
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_and_anything_else_is_unknown() {
        assert_eq!(topics(&encode(&["a", "b"])), Some(vec!["a".into(), "b".into()]));
        assert_eq!(topics(&[]), None);
        assert_eq!(topics(&[0, 0, 0x7f, 0xff, 0xff, 0xff]), None);
        assert_eq!(topics(&[0xff, 0xff, 0, 0, 0, 0]), None);
    }
}
