//! `corelog group describe`: a group's state, its members with what they read, and how far behind the group is.

use std::collections::{BTreeMap, BTreeSet};

use corelog_wire::messages::{
    DescribeGroupsRequest,
    describe_groups::{DescribedGroup, DescribedGroupMember},
};

use super::{Place, assignor, offsets};
use crate::cli::{
    cluster::Cluster,
    consume::Edge,
    failure::{Failure, check},
    table,
};

pub(super) fn run(cluster: &mut Cluster, name: &str) -> Result<(), Failure> {
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
    print_group(&group, id, &address);
    let readers = print_members(&group.members);
    print_offsets(cluster, &committed, &readers)
}

fn print_group(group: &DescribedGroup, coordinator: i32, address: &str) {
    let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let row = [
        group.group_id.clone(),
        group.group_state.clone(),
        dash(&group.protocol_type),
        dash(&group.protocol_data),
        format!("{coordinator} ({address})"),
        group.members.len().to_string(),
    ];
    table::print(["GROUP", "STATE", "TYPE", "PROTOCOL", "COORDINATOR", "MEMBERS"], vec![row]);
}

/// Prints the members; returns who reads which partition.
fn print_members(members: &[DescribedGroupMember]) -> BTreeMap<Place, String> {
    let mut readers = BTreeMap::new();
    let mut rows = Vec::with_capacity(members.len());
    for member in members {
        let places = assignor::read_assignment(&member.member_assignment);
        rows.push([
            member.member_id.clone(),
            member.client_id.clone(),
            member.client_host.clone(),
            places.as_deref().map_or("?".to_owned(), in_short),
        ]);
        readers.extend(places.into_iter().flatten().map(|place| (place, member.client_id.clone())));
    }
    if !rows.is_empty() {
        println!();
        table::print(["MEMBER", "CLIENT", "HOST", "PARTITIONS"], rows);
    }
    readers
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

fn print_offsets(
    cluster: &mut Cluster,
    committed: &BTreeMap<Place, i64>,
    readers: &BTreeMap<Place, String>,
) -> Result<(), Failure> {
    let places: BTreeSet<_> = committed.keys().chain(readers.keys()).cloned().collect();
    let mut rows = Vec::with_capacity(places.len());
    let mut leaders = BTreeMap::new();
    for place in places {
        let (topic, partition) = &place;
        if !leaders.contains_key(topic) {
            leaders.insert(topic.clone(), cluster.leaders(topic, false)?);
        }
        let end = match leaders[topic].get(partition) {
            Some(leader) => Some(cluster.at(leader)?.offset(topic, *partition, Edge::Latest.timestamp())?),
            None => None,
        };
        let at = committed.get(&place).copied();
        let lag = end.zip(at).map(|(end, at)| (end - at).max(0));
        let dash = |number: Option<i64>| number.map_or("-".to_owned(), |number| number.to_string());
        let reader = readers.get(&place).cloned().unwrap_or_else(|| "-".to_owned());
        rows.push([topic.clone(), partition.to_string(), dash(at), dash(end), dash(lag), reader]);
    }
    if !rows.is_empty() {
        println!();
        table::print(["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "READER"], rows);
    }
    Ok(())
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
