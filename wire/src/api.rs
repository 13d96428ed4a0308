//! The APIs a broker serves: keys, names, versions, and the header versions that follow from them.

pub use crate::messages::api_key::ApiKey;
use crate::messages::api_key::TABLE;
use std::fmt;

/// One row of the table of APIs.
#[derive(Clone, Copy)]
pub(crate) struct Definition {
    pub(crate) key: ApiKey,
    pub(crate) name: &'static str,
    pub(crate) first: i16,
    pub(crate) stable: i16,
    pub(crate) last: i16,
    pub(crate) flexible: i16,
}

/// The largest API key.
const LAST_KEY: usize = TABLE[TABLE.len() - 1].key as usize;

/// From key to place in the table.
const PLACES: [Option<u8>; LAST_KEY + 1] = {
    let mut places = [None; LAST_KEY + 1];
    let mut place = 0;
    while place < TABLE.len() {
        places[TABLE[place].key as usize] = Some(place as u8);
        place += 1;
    }
    places
};

impl ApiKey {
    /// All APIs, by key.
    pub fn all() -> impl ExactSizeIterator<Item = ApiKey> {
        TABLE.iter().map(|row| row.key)
    }

    /// The API with this key.
    pub fn from_i16(key: i16) -> Option<ApiKey> {
        let place = *PLACES.get(usize::try_from(key).ok()?)?;
        place.map(|place| TABLE[usize::from(place)].key)
    }

    fn row(self) -> &'static Definition {
        &TABLE[usize::from(PLACES[self as usize].unwrap_or_default())]
    }

    /// Its name in Kafka, without `Request`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// First and last version that Kafka counts as stable: all that a broker may advertise.
    pub fn versions(self) -> (i16, i16) {
        (self.row().first, self.row().stable)
    }

    /// First and last version that can be read and written, unstable ones too.
    pub fn all_versions(self) -> (i16, i16) {
        (self.row().first, self.row().last)
    }

    /// The range that ApiVersions tells. Produce says 0, although 0 to 2 are refused: older librdkafka would take a
    /// higher one for a broker that knows no compression (KAFKA-18659).
    pub fn advertised_versions(self) -> (i16, i16) {
        let (first, last) = self.versions();
        if self == ApiKey::Produce { (0, last) } else { (first, last) }
    }

    /// Whether `version` is stable.
    pub fn supports(self, version: i16) -> bool {
        let (first, last) = self.versions();
        first <= version && version <= last
    }

    /// Whether `version` has compact encodings and tagged fields.
    pub fn is_flexible(self, version: i16) -> bool {
        version >= self.row().flexible
    }

    /// The version of the header in front of a request: 2 adds tagged fields.
    pub fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header in front of a response: 1 adds tagged fields. A client that asks for ApiVersions
    /// does not know yet what the broker speaks, so there it is always 0.
    pub fn response_header_version(self, version: i16) -> i16 {
        (self != ApiKey::ApiVersions && self.is_flexible(version)).into()
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_broker_facing_apis_of_kafka_4_4_are_there() {
        assert_eq!(ApiKey::all().count(), 79);
        assert!(ApiKey::all().all(|key| ApiKey::from_i16(key as i16) == Some(key)));
        for none in [-1, 4, 7, 52, 58, 95, i16::MIN, i16::MAX] {
            assert_eq!(ApiKey::from_i16(none), None);
        }
    }

    #[test]
    fn unstable_versions_are_readable_but_not_advertised() {
        assert_eq!(ApiKey::InitProducerId.versions(), (0, 5));
        assert_eq!(ApiKey::InitProducerId.all_versions(), (0, 6));
        assert!(!ApiKey::InitProducerId.supports(6));
    }

    #[test]
    fn produce_advertises_versions_it_refuses() {
        assert_eq!(ApiKey::Produce.advertised_versions(), (0, 13));
        assert!(!ApiKey::Produce.supports(2) && ApiKey::Produce.supports(3));
    }

    #[test]
    fn headers_follow_the_version() {
        assert_eq!(ApiKey::Fetch.request_header_version(11), 1);
        assert_eq!(ApiKey::Fetch.request_header_version(12), 2);
        assert_eq!(ApiKey::Fetch.response_header_version(12), 1);
        assert_eq!(ApiKey::ApiVersions.request_header_version(3), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(3), 0);
        assert_eq!(ApiKey::SaslHandshake.request_header_version(1), 1);
        assert_eq!(ApiKey::OffsetDelete.request_header_version(0), 1);
    }
}
