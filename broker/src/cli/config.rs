//! `corelog config get|set`: what topics, brokers and groups are configured to do.

use clap::{Args, Subcommand, ValueEnum};
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        DescribeConfigsRequest, IncrementalAlterConfigsRequest,
        describe_configs::{DescribeConfigsResource, DescribeConfigsResourceResult},
        incremental_alter_configs::{AlterConfigsResource, AlterableConfig},
    },
};
use serde_json::json;

use super::{
    Ask,
    cluster::Cluster,
    failure::{Failure, check},
    output::Output,
    table::Table,
};

/// What is done to a value, as the protocol numbers it.
const SET: i8 = 0;
const DELETE: i8 = 1;
/// Nobody set the value.
const DEFAULT: i8 = 5;

#[derive(Subcommand)]
pub(super) enum Config {
    /// Shows values: those that were set, or all.
    Get(Get),
    /// Sets values, or takes them back.
    Set(Set),
}

/// What is configured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Of {
    /// A topic.
    Topic,
    /// A broker, by its id.
    Broker,
    /// A group.
    Group,
}

#[derive(Args)]
pub(super) struct Get {
    /// Of what.
    of: Of,
    /// Its name; a broker's id.
    name: String,
    /// Only these keys.
    keys: Vec<String>,
    /// Shows the defaults too.
    #[arg(long, short)]
    all: bool,
}

#[derive(Args)]
pub(super) struct Set {
    /// Of what.
    of: Of,
    /// Its name; a broker's id, or `default` for all brokers.
    name: String,
    /// What to set, such as retention.ms=60000.
    #[arg(value_name = "KEY=VALUE", value_parser = pair, required_unless_present = "unset")]
    values: Vec<(String, String)>,
    /// A key to take back; may be given again.
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Only says whether it would do.
    #[arg(long)]
    dry_run: bool,
}

/// One thing that is configured.
pub(super) struct Resource {
    of: Of,
    name: String,
}

impl Resource {
    fn new(of: Of, name: &str) -> Self {
        let name = if of == Of::Broker && name == "default" { "" } else { name };
        Self { of, name: name.to_owned() }
    }

    pub(super) fn topic(name: &str) -> Self {
        Self::new(Of::Topic, name)
    }

    /// Its type as the protocol numbers it.
    fn number(&self) -> i8 {
        match self.of {
            Of::Topic => 2,
            Of::Broker => 4,
            Of::Group => 32,
        }
    }

    fn told(&self) -> String {
        match self.of {
            Of::Topic => self.name.clone(),
            Of::Broker if self.name.is_empty() => "all brokers".to_owned(),
            Of::Broker => format!("broker {}", self.name),
            Of::Group => format!("group {}", self.name),
        }
    }

    /// Who answers for it: a broker for itself.
    fn client<'a>(&self, cluster: &'a mut Cluster) -> Result<&'a mut super::client::Client, Failure> {
        match self.name.parse() {
            Ok(id) if self.of == Of::Broker => cluster.broker(id),
            Err(_) if self.of == Of::Broker && !self.name.is_empty() => {
                Err(format!("`{}` is not a broker's id: `corelog config get broker 0`, say", self.name).into())
            }
            _ => cluster.any(),
        }
    }

    fn explain(&self, failure: Failure) -> Failure {
        let failure = failure.about(self.told());
        failure.cure(ErrorCode::UnknownTopicOrPartition, "no such topic; `corelog topic list` shows those there are")
    }
}

/// What happens to a key.
pub(super) enum Change {
    Set(String, String),
    Unset(String),
}

/// The changes that arguments ask for.
pub(super) fn changes(set: &[(String, String)], unset: &[String]) -> Vec<Change> {
    let set = set.iter().map(|(key, value)| Change::Set(key.clone(), value.clone()));
    set.chain(unset.iter().map(|key| Change::Unset(key.clone()))).collect()
}

/// Reads `KEY=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("not KEY=VALUE".to_owned()),
    }
}

/// A key of a resource.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) value: Option<String>,
    source: i8,
    read_only: bool,
}

impl Row {
    /// Whether it was set on this very resource.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.source, 1 | 2 | 8)
    }

    fn source(&self) -> &'static str {
        match self.source {
            1 => "topic",
            2 => "broker, dynamic",
            3 => "all brokers, dynamic",
            4 => "broker, file",
            DEFAULT => "default",
            8 => "group",
            _ => "?",
        }
    }
}

impl From<DescribeConfigsResourceResult> for Row {
    fn from(told: DescribeConfigsResourceResult) -> Self {
        let value = if told.is_sensitive { Some("(hidden)".to_owned()) } else { told.value };
        Self { name: told.name, value, source: told.config_source, read_only: told.read_only }
    }
}

/// Values of a resource: of these keys, or all.
pub(super) fn describe(cluster: &mut Cluster, resource: &Resource, keys: &[String]) -> Result<Vec<Row>, Failure> {
    let asked = DescribeConfigsResource {
        resource_type: resource.number(),
        resource_name: resource.name.clone(),
        configuration_keys: (!keys.is_empty()).then(|| keys.to_vec()),
    };
    let request = DescribeConfigsRequest { resources: vec![asked], ..DescribeConfigsRequest::default() };
    let told = resource.client(cluster)?.call(4, &request)?.results.pop().ok_or("an answer without the resource")?;
    check(told.error_code, told.error_message.as_deref()).map_err(|failure| resource.explain(failure))?;
    Ok(told.configs.into_iter().map(Row::from).collect())
}

/// Changes values of a resource.
pub(super) fn alter(cluster: &mut Cluster, resource: &Resource, changes: &[Change]) -> Result<(), Failure> {
    alter_or_try(cluster, resource, changes, false)
}

fn alter_or_try(
    cluster: &mut Cluster,
    resource: &Resource,
    changes: &[Change],
    validate_only: bool,
) -> Result<(), Failure> {
    let config = |change: &Change| match change {
        Change::Set(name, value) => {
            AlterableConfig { name: name.clone(), config_operation: SET, value: Some(value.clone()) }
        }
        Change::Unset(name) => AlterableConfig { name: name.clone(), config_operation: DELETE, value: None },
    };
    let asked = AlterConfigsResource {
        resource_type: resource.number(),
        resource_name: resource.name.clone(),
        configs: changes.iter().map(config).collect(),
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![asked], validate_only };
    for told in resource.client(cluster)?.call(1, &request)?.responses {
        check(told.error_code, told.error_message.as_deref()).map_err(|failure| resource.explain(failure))?;
    }
    Ok(())
}

impl Config {
    pub(super) fn run(self, ask: &Ask) -> Result<(), Failure> {
        let mut cluster = Cluster::through(&ask.broker)?;
        match self {
            Self::Get(get) => get.run(&mut cluster, ask.output()),
            Self::Set(set) => set.run(&mut cluster, ask.output()),
        }
    }
}

impl Get {
    fn run(self, cluster: &mut Cluster, output: Output) -> Result<(), Failure> {
        let resource = Resource::new(self.of, &self.name);
        let rows = describe(cluster, &resource, &self.keys)?;
        if let Some(unknown) = self.keys.iter().find(|key| !rows.iter().any(|row| row.name == **key)) {
            let cure = format!("`corelog config get {} {} --all` shows those there are", word(self.of), self.name);
            return Err(format!("{} has no key {unknown}: {cure}", resource.told()).into());
        }
        let mut table = Table::new(["KEY", "VALUE", "FROM", "CHANGED BY"]);
        for row in rows.into_iter().filter(|row| self.all || !self.keys.is_empty() || row.source != DEFAULT) {
            let source = row.source();
            let by = if row.read_only { "file and restart" } else { "config set" };
            table.push([row.name.into(), row.value.into(), source.into(), by.into()]);
        }
        if table.is_empty() && !output.json {
            println!("{} has only defaults; --all shows them", resource.told());
            return Ok(());
        }
        output.table(&table);
        Ok(())
    }
}

impl Set {
    fn run(self, cluster: &mut Cluster, output: Output) -> Result<(), Failure> {
        let resource = Resource::new(self.of, &self.name);
        let changes = changes(&self.values, &self.unset);
        alter_or_try(cluster, &resource, &changes, self.dry_run)?;
        let what = if self.dry_run { "would do" } else { "set" };
        let told = format!("{}: {} value(s) {what}", resource.told(), changes.len());
        output.done(&told, json!({ "resource": self.name, "values": changes.len(), "changed": !self.dry_run }));
        Ok(())
    }
}

fn word(of: Of) -> &'static str {
    match of {
        Of::Topic => "topic",
        Of::Broker => "broker",
        Of::Group => "group",
    }
}
