//! One edit of one resource's configuration: from the values that are there to the values that are wanted, checked key by
//! key. What values must be to each other is checked by each kind of resource.

use std::collections::{BTreeMap, BTreeSet};

use corelog_wire::error_code::ErrorCode;

use crate::{
    config::definition::{Definition, Kind, split_list},
    metadata::{
        call::{ConfigEdit, ConfigOperation, ConfigStep, Refusal},
        record::{ConfigOverrides, ConfigResource, MetadataRecord},
    },
};

/// What one kind of resource may have.
pub(super) struct Keys {
    /// The definition of a key.
    pub(super) find: fn(&str) -> Option<&'static Definition>,
    /// Why a key without a definition is refused; `None` where any is taken as it is.
    pub(super) unknown: Option<fn(&str) -> Refusal>,
    /// The code for a value that its key may not have.
    pub(super) bad_value: ErrorCode,
    /// What is said of an operation on a key that is no list.
    pub(super) no_list: fn(&str, &str) -> String,
}

/// What is said of all but a broker's keys.
pub(super) fn no_list(operation: &str, key: &str) -> String {
    format!("Can't {operation} to key {key} because its type is not LIST.")
}

impl Keys {
    /// The values after `edit`, as they were given.
    pub(super) fn edited(&self, present: &ConfigOverrides, edit: &ConfigEdit) -> Result<ConfigOverrides, Refusal> {
        match edit {
            ConfigEdit::Steps(steps) => self.after_steps(present, steps),
            ConfigEdit::Replace(values) => replaced(values),
        }
    }

    /// Checks every value that `wanted` has and `present` had not, and prints it anew. An unknown key is reported before
    /// a bad value.
    pub(super) fn normalized(
        &self,
        present: &ConfigOverrides,
        wanted: ConfigOverrides,
    ) -> Result<ConfigOverrides, Refusal> {
        let is_new = |key: &str, value: &String| present.get(key) != Some(value);
        if let Some(unknown) = self.unknown
            && let Some((key, _)) = wanted.iter().find(|(key, value)| is_new(key, value) && (self.find)(key).is_none())
        {
            return Err(unknown(key));
        }
        let normalize = |(key, value): (String, String)| match (self.find)(&key) {
            Some(definition) if is_new(&key, &value) => match definition.normalize(&value) {
                Ok(value) => Ok((key, value)),
                Err(bad) => Err(Refusal::new(self.bad_value, bad.to_string())),
            },
            _ => Ok((key, value)),
        };
        wanted.into_iter().map(normalize).collect()
    }

    fn after_steps(&self, present: &ConfigOverrides, steps: &[ConfigStep]) -> Result<ConfigOverrides, Refusal> {
        ConfigStep::check_distinct(steps)?;
        let mut wanted = present.clone();
        for step in steps {
            match self.stepped(present, step)? {
                Some(value) => drop(wanted.insert(step.key.clone(), value)),
                None => drop(wanted.remove(&step.key)),
            }
        }
        Ok(wanted)
    }

    /// A key's value after one step; `None` removes it.
    fn stepped(&self, present: &ConfigOverrides, step: &ConfigStep) -> Result<Option<String>, Refusal> {
        let key = &step.key;
        match step.operation {
            ConfigOperation::Delete => return Ok(None),
            ConfigOperation::Unknown(_) => return Err(Refusal::bare(ErrorCode::UnknownServerError)),
            ConfigOperation::Set | ConfigOperation::Append | ConfigOperation::Subtract => {}
        }
        let Some(value) = &step.value else { return Err(Refusal::null_value(key)) };
        if step.operation == ConfigOperation::Set {
            return Ok(Some(value.clone()));
        }
        self.change_list(key, present.get(key), step.operation, value).map(|list| Some(list.join(",")))
    }

    fn change_list(
        &self,
        key: &str,
        present: Option<&String>,
        operation: ConfigOperation,
        value: &str,
    ) -> Result<Vec<String>, Refusal> {
        let definition = match (self.find)(key) {
            Some(definition) if definition.kind == Kind::List => definition,
            _ => {
                let word = if operation == ConfigOperation::Append { "APPEND" } else { "SUBTRACT" };
                return Err(Refusal::new(ErrorCode::InvalidConfig, (self.no_list)(word, key)));
            }
        };
        let mut list = split_list(present.map_or(definition.default.unwrap_or_default(), String::as_str));
        let entries = split_list(value);
        match operation {
            ConfigOperation::Append => list.extend(entries),
            _ => list.retain(|entry| !entries.contains(entry)),
        }
        Ok(list)
    }
}

/// All values at once; the last of two for a key counts, as where a topic is created.
fn replaced(values: &[(String, Option<String>)]) -> Result<ConfigOverrides, Refusal> {
    let mut wanted = BTreeMap::new();
    for (key, value) in values {
        wanted.insert(key.clone(), value.clone().ok_or_else(|| Refusal::null_value(key))?);
    }
    Ok(wanted)
}

/// The records that lead from the values of `resource` that are there to those that are wanted.
pub(super) fn records(
    resource: &ConfigResource,
    present: &ConfigOverrides,
    wanted: &ConfigOverrides,
) -> Vec<MetadataRecord> {
    let keys: BTreeSet<&String> = present.keys().chain(wanted.keys()).collect();
    let changed = keys.into_iter().filter(|key| present.get(*key) != wanted.get(*key));
    let record = |key: &String| MetadataRecord::Config {
        resource: resource.clone(),
        key: key.clone(),
        value: wanted.get(key).cloned(),
    };
    changed.map(record).collect()
}
