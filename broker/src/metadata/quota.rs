//! Quotas of clients as the cluster remembers them: whose, of what, how much (KIP-13, KIP-124, KIP-546, KIP-599, KIP-612).

use std::{collections::BTreeMap, fmt};

/// Who has a quota: a user, a client id, both together, or an address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct QuotaEntity {
    /// The user.
    pub user: Option<QuotaName>,
    /// What the client calls itself.
    pub client_id: Option<QuotaName>,
    /// The client's address.
    pub ip: Option<QuotaName>,
}

/// Which user, client id or address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QuotaName {
    /// Any without a quota of its own; each has as much.
    Default,
    /// The one of this name.
    Named(String),
}

/// What an entity consists of, as requests name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QuotaEntityKind {
    /// A user.
    User,
    /// A client id.
    ClientId,
    /// An address.
    Ip,
}

/// What a quota bounds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QuotaKey {
    /// Bytes of Produce requests in a second.
    ProducerByteRate,
    /// Bytes of Fetch responses in a second.
    ConsumerByteRate,
    /// Time of a core, in hundredths of one core's.
    RequestPercentage,
    /// Partitions created and deleted in a second.
    ControllerMutationRate,
    /// New connections of an address in a second.
    ConnectionCreationRate,
}

/// How much: a floating point number, compared by its bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QuotaValue(u64);

/// Every quota there is.
pub type Quotas = BTreeMap<QuotaEntity, BTreeMap<QuotaKey, QuotaValue>>;

impl QuotaName {
    /// As requests name it: nothing is the default.
    pub fn from_wire(name: Option<String>) -> Self {
        name.map_or(Self::Default, Self::Named)
    }

    /// As requests name it.
    pub fn to_wire(&self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::Named(name) => Some(name.clone()),
        }
    }
}

impl QuotaEntityKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::User, Self::ClientId, Self::Ip];

    /// Its name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ClientId => "client-id",
            Self::Ip => "ip",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl QuotaKey {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ProducerByteRate,
        Self::ConsumerByteRate,
        Self::RequestPercentage,
        Self::ControllerMutationRate,
        Self::ConnectionCreationRate,
    ];

    /// Its name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProducerByteRate => "producer_byte_rate",
            Self::ConsumerByteRate => "consumer_byte_rate",
            Self::RequestPercentage => "request_percentage",
            Self::ControllerMutationRate => "controller_mutation_rate",
            Self::ConnectionCreationRate => "connection_creation_rate",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Whether it is about addresses, and not about users and client ids.
    pub fn is_of_ip(self) -> bool {
        self == Self::ConnectionCreationRate
    }

    /// Whether its value is a whole number.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::ProducerByteRate | Self::ConsumerByteRate | Self::ConnectionCreationRate)
    }
}

impl QuotaEntity {
    /// The part of a kind.
    pub fn part(&self, kind: QuotaEntityKind) -> Option<&QuotaName> {
        match kind {
            QuotaEntityKind::User => self.user.as_ref(),
            QuotaEntityKind::ClientId => self.client_id.as_ref(),
            QuotaEntityKind::Ip => self.ip.as_ref(),
        }
    }

    /// Sets the part of a kind.
    pub fn set(&mut self, kind: QuotaEntityKind, name: QuotaName) {
        let part = match kind {
            QuotaEntityKind::User => &mut self.user,
            QuotaEntityKind::ClientId => &mut self.client_id,
            QuotaEntityKind::Ip => &mut self.ip,
        };
        *part = Some(name);
    }

    /// Its parts, in the order in which they are told.
    pub fn parts(&self) -> impl Iterator<Item = (QuotaEntityKind, &QuotaName)> {
        QuotaEntityKind::ALL.into_iter().filter_map(|kind| Some((kind, self.part(kind)?)))
    }
}

impl QuotaValue {
    /// Of a number.
    pub fn new(value: f64) -> Self {
        Self(value.to_bits())
    }

    /// The number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for QuotaValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
