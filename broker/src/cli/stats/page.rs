//! A page of metrics, read: samples by name and labels.

use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

/// The samples of a page.
#[derive(Default)]
pub(super) struct Page {
    families: BTreeMap<String, Vec<(Labels, f64)>>,
}

impl Page {
    /// Reads Prometheus's text format; `None` if it is not a page of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut page = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, labels, value) = sample(line)?;
            page.families.entry(name.to_owned()).or_default().push((labels, value));
        }
        page.families.contains_key("corelog_build_info").then_some(page)
    }

    /// All samples of a name.
    pub(super) fn samples(&self, name: &str) -> &[(Labels, f64)] {
        self.families.get(name).map_or(&[], Vec::as_slice)
    }

    /// The sum of a name's samples with this label.
    pub(super) fn sum(&self, name: &str, label: &str, value: &str) -> f64 {
        let wanted = |sample: &&(Labels, f64)| sample.0.get(label).is_some_and(|other| other == value);
        self.samples(name).iter().filter(wanted).map(|sample| sample.1).sum()
    }

    /// The value of a name that has one sample.
    pub(super) fn value(&self, name: &str) -> f64 {
        self.samples(name).first().map_or(0.0, |sample| sample.1)
    }

    /// The value of the label of a name's first sample.
    pub(super) fn label(&self, name: &str, label: &str) -> Option<&str> {
        self.samples(name).first()?.0.get(label).map(String::as_str)
    }

    /// The values that a label has among a name's samples, in their order.
    pub(super) fn values_of(&self, name: &str, label: &str) -> Vec<String> {
        let mut values = Vec::new();
        for value in self.samples(name).iter().filter_map(|sample| sample.0.get(label)) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        values
    }
}

/// `name{label="value",...} number`, as our own pages write it.
fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}')?),
        None => (series, ""),
    };
    let pair = |text: &str| {
        let (label, value) = text.split_once('=')?;
        Some((label.to_owned(), value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
    };
    let labels = labels.split(',').filter(|text| !text.is_empty()).map(pair).collect::<Option<_>>()?;
    Some((name, labels, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_by_name_and_label() {
        let text = "# HELP x y\ncorelog_build_info{version=\"1\"} 1\na{core=\"0\",stage=\"ack\"} 2\n\
                    a{core=\"1\",stage=\"ack\"} 3.5\na{core=\"1\",stage=\"queue\"} 10\nb 7\n";
        let page = Page::parse(text).expect("a page of ours");
        assert_eq!((page.sum("a", "stage", "ack"), page.sum("a", "core", "1"), page.value("b")), (5.5, 13.5, 7.0));
        assert_eq!(page.values_of("a", "stage"), ["ack", "queue"]);
        assert_eq!(page.label("corelog_build_info", "version"), Some("1"));
        assert!(Page::parse("up 1\n").is_none() && Page::parse("<html>\n").is_none());
    }
}
