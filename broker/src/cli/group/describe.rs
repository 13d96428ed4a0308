//! `corelog group describe`: a group's state, its members with what they read, and how far behind the group is.

use std::collections::{BTreeMap, BTreeSet};

use corelog_wire::messages::{
    DescribeGroupsRequest,
    describe_groups::{DescribedGroup, DescribedGroupMember},
};

use super::{Place, assignor, offsets};
use crate::cli::{
    cluster::Cluster,
    failure::{Failure, check},
    output::Output,
    table::Table,
    when::Start,
};

pub(super) fn run(cluster: &mut Cluster, name: &str, output: Output) -> Result<(), Failure> {
    let about = |failure: Failure| failure.about(format!("group {name}"));
    let (id, address) = offsets::coordinator(cluster, name).map_err(about)?;
    let request = DescribeGroupsRequest { groups: vec![name.to_owned()], ..DescribeGroupsRequest::default() };
    let group = cluster.at(&address)?.call(5, &request)?.groups.pop().ok_or("an answer without the group")?;
    check(group.error_code, None).map_err(about)?;
    if group.group_state == "Dead" {
        return Err(format!("no group {name}: `corelog group list` shows those there are").into());
    }
    let answer = cluster.at(&address)?.call(offsets::FETCH_VERSION, &offsets::ask(name, None))?;
    let committed = offsets::read(answer).map_err(about)?;
    let (members, readers) = members(&group.members);
    let offsets = lag(cluster, &committed, &readers)?;
    let mut parts = output.parts();
    parts.table("group", &summary(&group, id, &address), false);
    parts.table("members", &members, true);
    parts.table("offsets", &offsets, true);
    parts.show();
    Ok(())
}

fn summary(group: &DescribedGroup, coordinator: i32, address: &str) -> Table<6> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut table = Table::new(["GROUP", "STATE", "TYPE", "PROTOCOL", "COORDINATOR", "MEMBERS"]);
    table.push([
        group.group_id.as_str().into(),
        group.group_state.as_str().into(),
        some(&group.protocol_type).into(),
        some(&group.protocol_data).into(),
        format!("{coordinator} ({address})").into(),
        group.members.len().into(),
    ]);
    table
}

/// The members, and who reads which partition.
fn members(members: &[DescribedGroupMember]) -> (Table<4>, BTreeMap<Place, String>) {
    let mut readers = BTreeMap::new();
    let mut table = Table::new(["MEMBER", "CLIENT", "HOST", "PARTITIONS"]);
    for member in members {
        let places = assignor::read_assignment(&member.member_assignment);
        table.push([
            member.member_id.as_str().into(),
            member.client_id.as_str().into(),
            member.client_host.as_str().into(),
            places.as_deref().map_or("?".to_owned(), in_short).into(),
        ]);
        readers.extend(places.into_iter().flatten().map(|place| (place, member.client_id.clone())));
    }
    (table, readers)
}

/// `events 0,1,2; other 0`
fn in_short(places: &[Place]) -> String {
    let mut topics: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for (topic, partition) in places {
        topics.entry(topic).or_default().push(partition.to_string());
    }
    let short = topics.into_iter().map(|(topic, partitions)| format!("{topic} {}", partitions.join(",")));
    let short = short.collect::<Vec<_>>().join("; ");
    if short.is_empty() { "-".to_owned() } else { short }
}

fn lag(
    cluster: &mut Cluster,
    committed: &BTreeMap<Place, i64>,
    readers: &BTreeMap<Place, String>,
) -> Result<Table<6>, Failure> {
    let places: BTreeSet<_> = committed.keys().chain(readers.keys()).cloned().collect();
    let mut table = Table::new(["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "READER"]);
    let mut leaders = BTreeMap::new();
    for place in places {
        let (topic, partition) = &place;
        if !leaders.contains_key(topic) {
            leaders.insert(topic.clone(), cluster.leaders(topic, false)?);
        }
        let end = match leaders[topic].get(partition) {
            Some(leader) => Some(cluster.at(leader)?.offset(topic, *partition, Start::Latest.timestamp())?),
            None => None,
        };
        let at = committed.get(&place).copied();
        let lag = end.zip(at).map(|(end, at)| (end - at).max(0));
        let reader = readers.get(&place).cloned();
        table.push([topic.as_str().into(), (*partition).into(), at.into(), end.into(), lag.into(), reader.into()]);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_members_partitions_stand_together_by_topic() {
        let places = [("b".to_owned(), 0), ("a".to_owned(), 1), ("a".to_owned(), 4)];
        assert_eq!(in_short(&places), "a 1,4; b 0");
        assert_eq!(in_short(&[]), "-");
    }
}
