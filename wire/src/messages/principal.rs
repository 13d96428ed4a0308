//! Generated from `schemas/kafka/principal.kafka` (FNV-1a f50ab2ff9ade551a); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultPrincipalData {
    pub type_id: String,
    pub name: String,
    pub token_authenticated: bool,
}

impl Fields for DefaultPrincipalData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.type_id = d.string("type_id")?;
        self.name = d.string("name")?;
        self.token_authenticated = d.bool("token_authenticated")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.type_id, "type_id");
        e.string(&self.name, "name");
        e.bool(self.token_authenticated);
        e.no_tags();
    }
}

impl Message for DefaultPrincipalData {
    const NAME: &'static str = "DefaultPrincipalData";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}
