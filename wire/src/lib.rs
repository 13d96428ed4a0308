//! The Kafka protocol as types.
