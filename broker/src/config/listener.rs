//! Where the broker listens, and what it tells clients to connect to.

use std::fmt;

/// A host and a port; the host may be a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// 0 lets the system choose (tests).
    pub port: u16,
}

/// What a listener's clients see as a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advertises {
    /// The node, whichever core accepts the connection.
    Node,
    /// Each core by itself: core I listens, and is advertised, on the port plus I.
    Cores,
}

/// One listener.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenerConfig {
    /// Its name, `PLAINTEXT` say.
    pub name: String,
    /// Where it listens.
    pub bind: Endpoint,
    /// What clients are told. Its port is 0 where the bound port is (both are the system's choice).
    pub advertised: Endpoint,
    /// What its clients see as a broker.
    pub advertises: Advertises,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Endpoint {
    /// Reads `HOST:PORT`, `[V6]:PORT` or `:PORT`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("`{text}` is not HOST:PORT"))?;
        let port = port.parse().map_err(|_| format!("`{port}` in `{text}` is not a port (0 to 65535)"))?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(|| format!("`{text}` lacks a closing bracket"))?,
            None if host.contains(':') => return Err(format!("`{text}`: put brackets around an IPv6 address")),
            None => host,
        };
        Ok(Self { host: host.to_owned(), port })
    }

    /// Whether it means "every address of this machine", which no client can connect to.
    pub fn is_wildcard(&self) -> bool {
        matches!(self.host.as_str(), "0.0.0.0" | "::" | "0:0:0:0:0:0:0:0")
    }
}

/// The listeners that a list of `NAME://HOST:PORT` and one of advertised addresses describe. `own_name` is this
/// machine's name: what is advertised for an empty host.
pub fn parse(
    advertises: Advertises,
    listeners: &str,
    advertised: Option<&str>,
    own_name: &str,
) -> Result<Vec<ListenerConfig>, String> {
    let mut advertised = advertised.map(entries).transpose()?.unwrap_or_default();
    let mut result: Vec<ListenerConfig> = Vec::new();
    for (name, bind) in entries(listeners)? {
        if result.iter().any(|other| other.name == name) {
            return Err(format!("each listener needs a name of its own, {name} is there twice"));
        }
        if bind.port != 0 && result.iter().any(|other| other.bind == bind) {
            return Err(format!("two listeners on {bind}"));
        }
        let told = advertised.iter().position(|(other, _)| *other == name).map(|index| advertised.remove(index).1);
        let advertised = advertise(&name, &bind, told, own_name)?;
        result.push(ListenerConfig { name, bind, advertised, advertises });
    }
    match advertised.first() {
        Some((name, _)) => Err(format!("{name} is advertised but no listener has that name")),
        None => Ok(result),
    }
}

fn advertise(name: &str, bind: &Endpoint, told: Option<Endpoint>, own_name: &str) -> Result<Endpoint, String> {
    let mut endpoint = told.unwrap_or_else(|| bind.clone());
    if endpoint.is_wildcard() {
        return Err(format!(
            "clients cannot connect to {}: set advertised.listeners = \"{name}://HOST:{}\" with a host they can reach",
            endpoint.host, bind.port
        ));
    }
    if endpoint.host.is_empty() {
        endpoint.host = own_name.to_owned();
    }
    Ok(endpoint)
}

fn entries(list: &str) -> Result<Vec<(String, Endpoint)>, String> {
    let mut result = Vec::new();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, endpoint) = entry.split_once("://").ok_or_else(|| format!("`{entry}` is not NAME://HOST:PORT"))?;
        let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if !named {
            return Err(format!("`{name}` is not a listener's name (letters, digits, _ and -)"));
        }
        if matches!(name, "SSL" | "SASL_PLAINTEXT" | "SASL_SSL") {
            return Err(format!("a {name} listener is not possible yet, PLAINTEXT is"));
        }
        result.push((name.to_owned(), Endpoint::parse(endpoint)?));
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(listeners: &str, advertised: Option<&str>) -> Result<Vec<ListenerConfig>, String> {
        parse(Advertises::Node, listeners, advertised, "this-host")
    }

    #[test]
    fn clients_are_told_the_bound_address_unless_another_is_advertised() {
        let plain = node("PLAINTEXT://127.0.0.1:9092", None).expect("valid");
        assert_eq!(plain[0].advertised.to_string(), "127.0.0.1:9092");
        let outside = node("PLAINTEXT://0.0.0.0:9092", Some("PLAINTEXT://broker.example:19092")).expect("valid");
        assert_eq!(outside[0].bind.to_string(), "0.0.0.0:9092");
        assert_eq!(outside[0].advertised.to_string(), "broker.example:19092");
        assert_eq!(node("A://:9092", None).expect("valid")[0].advertised.to_string(), "this-host:9092");
        assert_eq!(node("A://[::1]:9092", None).expect("valid")[0].advertised.to_string(), "[::1]:9092");
    }

    #[test]
    fn the_wildcard_address_is_never_advertised() {
        let error = node("PLAINTEXT://0.0.0.0:9092", None).expect_err("refused");
        assert!(error.contains("advertised.listeners = \"PLAINTEXT://HOST:9092\""), "{error}");
        assert!(node("PLAINTEXT://[::]:9092", None).is_err());
        assert!(node("PLAINTEXT://:9092", Some("PLAINTEXT://0.0.0.0:9092")).is_err());
    }

    #[test]
    fn contradictions_are_named() {
        assert!(node("A://h:1,A://h:2", None).expect_err("twice").contains("name of its own"));
        assert!(node("A://h:1,B://h:1", None).expect_err("same").contains("two listeners"));
        assert!(node("A://h:1", Some("B://h:1")).expect_err("unknown").contains("no listener"));
        assert!(node("127.0.0.1:9092", None).expect_err("no name").contains("NAME://"));
        assert!(node("A://h:70000", None).expect_err("port").contains("not a port"));
        assert!(node("A://::1:9092", None).expect_err("v6").contains("brackets"));
    }
}
