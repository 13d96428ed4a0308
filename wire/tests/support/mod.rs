//! Random messages, made by walking the definitions, not by the generated code: a second opinion on every byte.

use corelog_wire_codegen::schema::{Default as Absent, Field, File, Kind, Message, Struct};
use std::path::Path;

mod random;

pub(crate) use random::Random;

/// All definitions, by file.
pub(crate) fn definitions() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/kafka");
    corelog_wire_codegen::load(&folder).unwrap().into_iter().map(|(_, _, file)| file).collect()
}

/// The bytes of a random message of this version. `longest` bounds lists and strings; with 0 all are empty.
pub(crate) fn message(message: &Message, version: i16, longest: usize, random: &mut Random) -> Vec<u8> {
    let mut writer = Writer { message, version, flexible: message.is_flexible(version), longest, random };
    let mut out = Vec::new();
    writer.structure(&message.structs[0], &mut out);
    out
}

struct Writer<'a> {
    message: &'a Message,
    version: i16,
    flexible: bool,
    longest: usize,
    random: &'a mut Random,
}

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

impl<'a> Writer<'a> {
    fn structure(&mut self, structure: &'a Struct, out: &mut Vec<u8>) {
        let here: Vec<&Field> = structure.fields.iter().filter(|f| f.versions.contains(self.version)).collect();
        for field in here.iter().filter(|f| f.tag.is_none()) {
            self.field(field, false, out);
        }
        if !self.flexible {
            return;
        }
        let mut tagged: Vec<_> = here.into_iter().filter(|f| f.tag.is_some()).collect();
        tagged.sort_by_key(|f| f.tag);
        tagged.retain(|_| self.random.below(2) == 0);
        put_varint(out, tagged.len() as u32);
        for field in tagged {
            put_varint(out, field.tag.unwrap());
            let mut value = Vec::new();
            self.field(field, true, &mut value);
            put_varint(out, value.len() as u32);
            out.extend(value);
        }
    }

    fn length(&self, length: Option<usize>, short: bool, out: &mut Vec<u8>) {
        match (self.flexible, short) {
            (true, _) => put_varint(out, length.map_or(0, |l| l as u32 + 1)),
            (false, true) => out.extend(length.map_or(-1, |l| l as i16).to_be_bytes()),
            (false, false) => out.extend(length.map_or(-1, |l| l as i32).to_be_bytes()),
        }
    }

    /// Tagged fields get another value than their default, since with that they would not be there.
    fn field(&mut self, field: &'a Field, tagged: bool, out: &mut Vec<u8>) {
        let nullable = field.nullable.is_some_and(|null| null.contains(self.version));
        let null = nullable && (!tagged || field.default == Absent::Empty) && self.random.below(3) == 0;
        let structure = matches!(field.kind, Kind::Struct(_)) && !field.array;
        if structure && nullable && tagged {
            out.push((!null).into());
        } else if structure && nullable {
            out.push(if null { 0xff } else { 1 });
        } else if null {
            self.length(None, field.kind == Kind::String && !field.array, out);
        }
        if null {
            return;
        }
        let least = usize::from(tagged && (!nullable || field.default == Absent::Empty));
        if field.array {
            let count = least.max(self.random.below(self.longest + 1));
            self.length(Some(count), false, out);
            (0..count).for_each(|_| self.element(field, 0, out));
        } else {
            self.element(field, least, out);
        }
    }

    fn element(&mut self, field: &'a Field, least: usize, out: &mut Vec<u8>) {
        match &field.kind {
            Kind::Scalar("bool") if least > 0 => out.push((field.default != Absent::Value("true".into())).into()),
            Kind::Scalar("bool") => out.push(self.random.below(2) as u8),
            Kind::Scalar("f64") => out.extend((self.random.next() as i32 as f64).to_be_bytes()),
            Kind::Scalar(number) => {
                let width = match *number {
                    "i8" => 1,
                    "i16" | "u16" => 2,
                    "i64" => 8,
                    _ => 4,
                };
                // Odd and above zero: no default is that, but for the largest numbers.
                let value = (self.random.next() >> (self.random.below(60) + 4)) as i64 | 1;
                let value =
                    if least == 0 && self.random.below(4) == 0 { -value } else { value & 0x3fff_ffff_ffff_ff3f };
                out.extend(&value.to_be_bytes()[8 - width..]);
            }
            Kind::String => {
                let count = least.max(self.random.below(self.longest + 1));
                let text: String = (0..count).map(|_| ['a', 'Z', '0', '.', 'é', '日'][self.random.below(6)]).collect();
                self.length(Some(text.len()), true, out);
                out.extend(text.as_bytes());
            }
            Kind::Bytes | Kind::Records => {
                let count = least.max(self.random.below(self.longest * 20 + 1));
                self.length(Some(count), false, out);
                (0..count).for_each(|_| out.push(self.random.next() as u8));
            }
            Kind::Uuid => (0..16).for_each(|_| out.push(self.random.next() as u8)),
            Kind::Struct(name) => {
                let structure = self.message.structure(name).unwrap();
                self.structure(structure, out);
            }
        }
    }
}
