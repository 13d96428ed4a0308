//! Which names a topic may have.

use corelog_wire::error_code::ErrorCode;

use crate::metadata::{call::Refusal, image::ClusterImage};

/// The longest name.
pub const MAX_NAME: usize = 249;

/// The name Kafka keeps for its own metadata log.
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// What is wrong with a name as such, in Kafka's words.
pub fn check(name: &str) -> Result<(), Refusal> {
    let wrong = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." | ".." => format!("'{name}' is not allowed"),
        _ if name.len() > MAX_NAME => {
            format!("the length of '{name}' is longer than the max allowed length {MAX_NAME}")
        }
        _ if !name.bytes().all(is_legal) => {
            format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
        }
        _ => return Ok(()),
    };
    Err(invalid(wrong))
}

/// Whether a topic of this name can be created beside those that exist.
pub fn check_new(name: &str, image: &ClusterImage) -> Result<(), Refusal> {
    if name == CLUSTER_METADATA {
        let what = format!("Creation of internal topic {CLUSTER_METADATA} is prohibited.");
        return Err(Refusal::new(ErrorCode::InvalidRequest, what));
    }
    check(name)?;
    if image.topic(name).is_some() {
        return Err(Refusal::new(ErrorCode::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
    }
    match collision(name, image) {
        Some(other) => {
            let what = format!("Topic '{name}' collides with existing topic: {other}");
            Err(Refusal::new(ErrorCode::InvalidTopicException, what))
        }
        None => Ok(()),
    }
}

/// A topic whose name differs in dots for underscores only: metrics could not tell the two apart.
fn collision<'a>(name: &str, image: &'a ClusterImage) -> Option<&'a str> {
    if !name.contains(['.', '_']) {
        return None;
    }
    let folded = fold(name);
    image.topics().map(|topic| &*topic.name).find(|other| other.contains(['.', '_']) && fold(other) == folded)
}

fn fold(name: &str) -> String {
    name.replace('.', "_")
}

fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn invalid(what: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidTopicException, format!("Topic name is invalid: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::record::MetadataRecord;
    use corelog_storage::ids::TopicId;

    fn image(names: &[&str]) -> ClusterImage {
        let mut image = ClusterImage::default();
        for (index, name) in names.iter().enumerate() {
            let id = TopicId([index as u8 + 1; 16]);
            image.apply(&MetadataRecord::Topic { id, name: (*name).to_owned() }).expect("applies");
        }
        image
    }

    fn words(name: &str, image: &ClusterImage) -> (ErrorCode, String) {
        let refusal = check_new(name, image).expect_err("refused");
        (refusal.code, refusal.message.unwrap_or_default())
    }

    #[test]
    fn names_are_refused_in_kafkas_words() {
        let none = image(&[]);
        let invalid = |name: &str| words(name, &none).1;
        assert_eq!(invalid(""), "Topic name is invalid: the empty string is not allowed");
        assert_eq!(invalid(".."), "Topic name is invalid: '..' is not allowed");
        assert!(invalid("a b").ends_with("'.', '_' and '-'"));
        assert!(invalid(&"x".repeat(250)).ends_with("max allowed length 249"));
        assert!(check_new(&"x".repeat(249), &none).is_ok());
        assert_eq!(words("__cluster_metadata", &none).0, ErrorCode::InvalidRequest);
        assert!(check_new("__consumer_offsets", &none).is_ok());
    }

    #[test]
    fn dots_and_underscores_collide() {
        let image = image(&["a.b", "plain"]);
        let refused = (ErrorCode::InvalidTopicException, "Topic 'a_b' collides with existing topic: a.b".to_owned());
        assert_eq!(words("a_b", &image), refused);
        assert_eq!(words("a.b", &image).0, ErrorCode::TopicAlreadyExists);
        assert!(check_new("a-b", &image).is_ok());
    }
}
