//! The README's table of APIs: what Kafka has, what is served here, and what to know about it.

use std::fmt::Write as _;

use corelog_wire::api::ApiKey;

use super::served;

/// Where the table stands in the README.
pub const MARKERS: [&str; 2] = ["<!-- APIs: cargo run --example apis -->\n", "<!-- end of APIs -->\n"];

/// `document` with the table as it should be; nothing if it has no place for it.
pub fn within(document: &str) -> Option<String> {
    let (before, rest) = document.split_once(MARKERS[0])?;
    let (_, after) = rest.split_once(MARKERS[1])?;
    Some([before, MARKERS[0], &markdown(), MARKERS[1], after].concat())
}

fn markdown() -> String {
    let served_count = ApiKey::all().filter(|key| served(*key).is_some()).count();
    let mut text = format!(
        "{served_count} of the {} APIs of Kafka 4.4's brokers, at all of its stable versions.\n\n\
         | key | API | Corelog | Kafka | notes |\n|---|---|---|---|---|\n",
        ApiKey::all().len()
    );
    for key in ApiKey::all() {
        let kafka = range(key.versions());
        let own = if served(key).is_some() { range(key.advertised_versions()) } else { "-".to_owned() };
        let _ = writeln!(text, "| {} | {} | {own} | {kafka} | {} |", key as i16, key.name(), note(key));
    }
    text
}

fn range((first, last): (i16, i16)) -> String {
    match first.cmp(&last) {
        std::cmp::Ordering::Less => format!("{first}-{last}"),
        std::cmp::Ordering::Equal => first.to_string(),
        std::cmp::Ordering::Greater => "none stable".to_owned(),
    }
}

/// What a user should know, where the versions do not say it.
fn note(key: ApiKey) -> &'static str {
    use ApiKey::*;
    match key {
        Produce => "0 to 2 are told and refused, as Kafka does for old clients; no transactional batches",
        Fetch => "a session lives as long as its connection; nothing is aborted yet",
        InitProducerId => "idempotent producers; no transactional id",
        FindCoordinator => "groups",
        CreateTopics | CreatePartitions => "one replica",
        AlterPartitionReassignments | ListPartitionReassignments | ElectLeaders => "the answers of a single node",
        DescribeQuorum | UpdateFeatures | DescribeCluster => "the answers of a single node",
        AddPartitionsToTxn | AddOffsetsToTxn | EndTxn | WriteTxnMarkers | TxnOffsetCommit | DescribeTransactions
        | ListTransactions => "transactions",
        DescribeAcls | CreateAcls | DeleteAcls => "ACLs",
        SaslHandshake
        | SaslAuthenticate
        | DescribeUserScramCredentials
        | AlterUserScramCredentials
        | CreateDelegationToken
        | RenewDelegationToken
        | ExpireDelegationToken
        | DescribeDelegationToken => "SASL",
        ConsumerGroupHeartbeat | ConsumerGroupDescribe => "KIP-848",
        ShareGroupHeartbeat
        | ShareGroupDescribe
        | ShareFetch
        | ShareAcknowledge
        | InitializeShareGroupState
        | ReadShareGroupState
        | WriteShareGroupState
        | DeleteShareGroupState
        | ReadShareGroupStateSummary
        | DescribeShareGroupOffsets
        | AlterShareGroupOffsets
        | DeleteShareGroupOffsets => "share groups",
        StreamsGroupHeartbeat | StreamsGroupDescribe | StreamsGroupTopologyDescriptionUpdate => "streams groups",
        GetTelemetrySubscriptions | PushTelemetry => "clients' metrics; their configurations are kept",
        UnregisterBroker | AddRaftVoter | RemoveRaftVoter | UnregisterController => "clusters",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_what_is_served() {
        let readme = include_str!("../../../README.md");
        assert_eq!(within(readme).as_deref(), Some(readme), "cargo run --example apis");
    }

    #[test]
    fn what_is_not_served_is_explained() {
        let unexplained = ApiKey::all().find(|key| served(*key).is_none() && note(*key).is_empty());
        assert_eq!(unexplained, None);
    }
}
