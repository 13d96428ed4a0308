//! A broker to measure, as the command line names it: `host:port` or `host:port,pid`.

use std::str::FromStr;

/// Where a broker listens, and the process whose cost counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
    pub(crate) pid: Option<u32>,
    /// The shell's command that starts it again when the load has killed it, and prints its process id.
    pub(crate) restart: Option<String>,
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, pid) = match text.split_once(',') {
            Some((address, pid)) => {
                let pid = pid.trim().parse().map_err(|_| format!("{pid:?} is no process id; write host:port,pid"))?;
                (address, Some(pid))
            }
            None => (text, None),
        };
        let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        match port {
            Some(Ok(_)) => Ok(Self { address: address.to_owned(), pid, restart: None }),
            _ => Err(format!("{address:?} is no host:port")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_carry_a_process() {
        let read = |text: &str| text.parse::<Endpoint>();
        let expected = Endpoint { address: "[::1]:9092".into(), pid: Some(7), restart: None };
        assert_eq!(read("[::1]:9092,7"), Ok(expected));
        assert_eq!(read("host:1").map(|target| target.pid), Ok(None));
        assert!(read("host").is_err_and(|why| why.contains("no host:port")));
        assert!(read("host:1,me").is_err_and(|why| why.contains("no process id")));
    }
}
