//! `corelog group reset-offsets`: where a group without members goes on reading.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use corelog_wire::error_code::ErrorCode;
use serde_json::json;

use super::{Place, offsets};
use crate::cli::{
    cluster::{Cluster, no_such_topic},
    failure::Failure,
    output::Output,
    table::Table,
    when::Start,
};

#[derive(Args)]
#[group(id = "reset-options")]
pub(in crate::cli) struct Reset {
    /// The group.
    group: String,
    /// A topic, or partitions of it as TOPIC:0,1; may be given again [default: all that the group has committed].
    #[arg(long, short, value_name = "TOPIC[:PARTITIONS]", value_parser = places)]
    topic: Vec<(String, Option<Vec<i32>>)>,
    /// Where to go on: earliest, latest, a time such as 2026-01-31T12:00:00Z, a span such as 15m before now.
    #[arg(long, value_name = "WHERE", required_unless_present_any = ["offset", "shift"])]
    to: Option<Start>,
    /// At this offset, or the nearest there is.
    #[arg(long, value_name = "N", conflicts_with_all = ["to", "shift"])]
    offset: Option<i64>,
    /// So many records after what is committed, or before if negative.
    #[arg(long, value_name = "N", conflicts_with = "to", allow_negative_numbers = true)]
    shift: Option<i64>,
    /// Does it.
    #[arg(long)]
    apply: bool,
}

fn places(text: &str) -> Result<(String, Option<Vec<i32>>), String> {
    let Some((topic, partitions)) = text.split_once(':') else { return Ok((text.to_owned(), None)) };
    let numbers: Result<Vec<i32>, _> = partitions.split(',').map(str::parse).collect();
    let numbers = numbers.map_err(|_| format!("`{partitions}` is not partitions such as 0,1"))?;
    Ok((topic.to_owned(), Some(numbers)))
}

impl Reset {
    pub(super) fn run(self, cluster: &mut Cluster, output: Output) -> Result<(), Failure> {
        let about = |failure: Failure| failure.about(format!("group {}", self.group));
        let (_, coordinator) = offsets::coordinator(cluster, &self.group).map_err(about)?;
        let answer = cluster.at(&coordinator)?.call(offsets::FETCH_VERSION, &offsets::ask(&self.group, None))?;
        let committed = offsets::read(answer).map_err(about)?;
        let mut moved = BTreeMap::new();
        let mut table = Table::new(["TOPIC", "PARTITION", "COMMITTED", "START", "END", "NEW"]);
        for (place, leader) in self.chosen(cluster, &committed)? {
            let client = cluster.at(&leader)?;
            let offset = |client: &mut crate::cli::client::Client, at| client.offset_from(&place.0, place.1, at);
            let (start, end) = (offset(client, Start::Earliest)?, offset(client, Start::Latest)?);
            let known = committed.get(&place).copied();
            let target = match (self.to, self.offset, self.shift) {
                (Some(to), ..) => offset(client, to)?,
                (_, Some(offset), _) => offset,
                (_, _, Some(shift)) => known.unwrap_or(start).saturating_add(shift),
                (None, None, None) => unreachable!("one of the three is required"),
            };
            let target = target.clamp(start, end);
            table.push([
                place.0.as_str().into(),
                place.1.into(),
                known.into(),
                start.into(),
                end.into(),
                target.into(),
            ]);
            moved.insert(place, target);
        }
        if moved.is_empty() {
            let cure = "name what it is to read by --topic";
            return Err(about(Failure::Told(format!("it has committed nothing: {cure}"))));
        }
        if self.apply {
            self.commit(cluster, &coordinator, &moved).map_err(about)?;
        }
        let mut parts = output.parts();
        parts.table("offsets", &table, false);
        let told = if self.apply { "done" } else { "nothing is changed: --apply does it" };
        parts.line(told, [("group", json!(self.group)), ("applied", json!(self.apply))]);
        parts.show();
        Ok(())
    }

    /// The partitions to move, with their leaders.
    fn chosen(
        &self,
        cluster: &mut Cluster,
        committed: &BTreeMap<Place, i64>,
    ) -> Result<BTreeMap<Place, String>, Failure> {
        let all = committed.keys().map(|(topic, partition)| (topic.clone(), Some(vec![*partition])));
        let wanted: Vec<_> = if self.topic.is_empty() { all.collect() } else { self.topic.clone() };
        let topics: BTreeSet<&String> = wanted.iter().map(|(topic, _)| topic).collect();
        let mut leaders = BTreeMap::new();
        for topic in topics {
            let led = cluster.leaders(topic, false).map_err(|failure| no_such_topic(failure, topic))?;
            leaders.insert(topic, led);
        }
        let mut chosen = BTreeMap::new();
        for (topic, partitions) in &wanted {
            let led = &leaders[topic];
            for partition in partitions.clone().unwrap_or_else(|| led.keys().copied().collect()) {
                let leader = led.get(&partition);
                let leader = leader.ok_or_else(|| format!("{topic} has no partition {partition} with a leader"))?;
                chosen.insert((topic.clone(), partition), leader.clone());
            }
        }
        Ok(chosen)
    }

    /// Commits as nobody's member, which a coordinator takes only while there are none.
    fn commit(&self, cluster: &mut Cluster, coordinator: &str, moved: &BTreeMap<Place, i64>) -> Result<(), Failure> {
        let request = offsets::commit(&self.group, "", -1, moved);
        let answer = cluster.at(coordinator)?.call(offsets::COMMIT_VERSION, &request)?;
        offsets::committed(answer).map_err(|failure| {
            let cure = "stop its members first";
            failure.cure(ErrorCode::UnknownMemberId, cure).cure(ErrorCode::RebalanceInProgress, cure)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_named_after_their_topic() {
        assert_eq!(places("events"), Ok(("events".to_owned(), None)));
        assert_eq!(places("events:0,2"), Ok(("events".to_owned(), Some(vec![0, 2]))));
        assert!(places("events:first").is_err());
    }
}
