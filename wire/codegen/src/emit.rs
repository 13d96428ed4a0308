//! Rust out of definitions: one file of structures with `read` and `write` per definition file.

use crate::schema::{Api, Default, Field, File, Kind, Message, Role, Struct, Versions};
use std::fmt::Write as _;

/// The Rust for one definition file. `source` is its name, `hash` that of its text.
pub fn file(file: &File, source: &str, hash: u64) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "//! Generated from `schemas/kafka/{source}` (FNV-1a {hash:016x}); change that, not this.\n");
    out.push_str("use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};\n");
    let uses =
        |wanted: fn(&Field) -> bool| file.messages.iter().flat_map(|m| &m.structs).flat_map(|s| &s.fields).any(wanted);
    if uses(|f| f.kind == Kind::Uuid) {
        out.push_str("use crate::uuid::Uuid;\n");
    }
    if uses(|f| matches!(f.kind, Kind::Bytes | Kind::Records)) {
        out.push_str("use bytes::Bytes;\n");
    }
    for message in &file.messages {
        for (index, structure) in message.structs.iter().enumerate() {
            emit_struct(&mut out, message, structure, index == 0);
        }
        emit_message(&mut out, message);
    }
    if let (Some(api), [request, response]) = (&file.api, &file.messages[..]) {
        let _ = writeln!(
            out,
            "\nimpl crate::codec::Request for {} {{\n    const KEY: crate::api::ApiKey = crate::api::ApiKey::{};\n    \
             type Response = {};\n}}",
            request.name(),
            api.name,
            response.name()
        );
    }
    out
}

fn emit_message(out: &mut String, message: &Message) {
    let flexible = message.flexible.map_or("i16::MAX".into(), |first| first.to_string());
    let _ = writeln!(
        out,
        "\nimpl Message for {name} {{\n    const NAME: &'static str = \"{name}\";\n    \
         const VERSIONS: (i16, i16) = ({first}, {last});\n    const FLEXIBLE: i16 = {flexible};\n}}",
        name = message.name(),
        first = message.versions.first,
        last = message.versions.last,
    );
    if let Role::Record(record_type) = message.role {
        let _ = writeln!(
            out,
            "\nimpl crate::codec::Record for {} {{\n    const TYPE: i16 = {record_type};\n}}",
            message.name()
        );
    }
}

fn emit_struct(out: &mut String, message: &Message, structure: &Struct, outermost: bool) {
    let name = &structure.name;
    let Versions { first, last } = structure.versions;
    out.push('\n');
    let _ = match (outermost, structure.versions == message.versions) {
        (true, _) => writeln!(out, "/// Versions {first} to {last}."),
        (false, true) => writeln!(out, "/// Part of [`{}`].", message.name()),
        (false, false) => writeln!(out, "/// Part of [`{}`] in versions {first} to {last}.", message.name()),
    };
    let natural = structure.fields.iter().all(|f| f.default == Default::Natural);
    let derive = if natural { "Clone, Debug, Default, PartialEq" } else { "Clone, Debug, PartialEq" };
    let _ = writeln!(out, "#[derive({derive})]");
    if structure.fields.is_empty() {
        let _ = writeln!(out, "pub struct {name} {{}}");
    } else {
        let _ = writeln!(out, "pub struct {name} {{");
        for field in &structure.fields {
            if let Some(doc) = field_doc(field, structure.versions) {
                let _ = writeln!(out, "    /// {doc}");
            }
            let _ = writeln!(out, "    pub {}: {},", field.name, rust_type(field));
        }
        out.push_str("}\n");
    }
    if !natural {
        let _ = writeln!(out, "\nimpl Default for {name} {{\n    fn default() -> Self {{\n        Self {{");
        for field in &structure.fields {
            let _ = writeln!(out, "            {}: {},", field.name, default_expr(field));
        }
        out.push_str("        }\n    }\n}\n");
    }
    let read = read_body(message, structure);
    let write = write_body(message, structure);
    let version = |body: &str| if mentions_version(body) { "v" } else { "_" };
    let _ = writeln!(out, "\nimpl Fields for {name} {{");
    let d = if read.is_empty() { "_" } else { "d" };
    let _ = writeln!(
        out,
        "    fn read(&mut self, {d}: &mut Decoder<'_>, {}: i16) -> Result<(), DecodeError> {{\n{read}        Ok(())\n    }}\n",
        version(&read)
    );
    let e = if write.is_empty() { "_" } else { "e" };
    let _ = writeln!(out, "    fn write(&self, {e}: &mut Encoder, {}: i16) {{\n{write}    }}\n}}", version(&write));
}

fn mentions_version(body: &str) -> bool {
    ["v >=", "v <=", "v ==", "(&v)", "(v)", "(v,", ", v,", ", v)"].iter().any(|use_of| body.contains(use_of))
}

fn field_doc(field: &Field, outer: Versions) -> Option<String> {
    let mut doc = match (field.versions == outer, field.versions.first == field.versions.last) {
        (true, _) => String::new(),
        (false, true) => format!("Version {} only", field.versions.first),
        (false, false) if field.versions.last == outer.last => format!("Since version {}", field.versions.first),
        (false, false) => format!("Versions {} to {}", field.versions.first, field.versions.last),
    };
    if let Some(null) = field.nullable
        && null != field.versions
    {
        doc += if doc.is_empty() { "M" } else { "; m" };
        doc += &format!("ay be null since version {}", null.first);
    }
    if let Some(tag) = field.tag {
        doc += if doc.is_empty() { "T" } else { "; t" };
        doc += &format!("ag {tag}");
    }
    (!doc.is_empty()).then(|| doc + ".")
}

fn rust_type(field: &Field) -> String {
    let element = match &field.kind {
        Kind::Scalar(name) => (*name).to_string(),
        Kind::String => "String".into(),
        Kind::Bytes | Kind::Records => "Bytes".into(),
        Kind::Uuid => "Uuid".into(),
        Kind::Struct(name) => name.clone(),
    };
    let whole = if field.array { format!("Vec<{element}>") } else { element };
    if field.nullable.is_some() { format!("Option<{whole}>") } else { whole }
}

fn default_expr(field: &Field) -> String {
    match &field.default {
        Default::Value(value) => value.clone(),
        Default::Empty => "Some(Default::default())".into(),
        Default::Natural => "Default::default()".into(),
    }
}

/// The test, as Rust, that `v` lies in `inner`, known to lie in `outer`; `None` where that is always so.
fn condition(inner: Versions, outer: Versions) -> Option<String> {
    match (inner.first > outer.first, inner.last < outer.last) {
        (false, false) => None,
        (true, true) if inner.first == inner.last => Some(format!("v == {}", inner.first)),
        (true, true) => Some(format!("({}..={}).contains(&v)", inner.first, inner.last)),
        (true, false) => Some(format!("v >= {}", inner.first)),
        (false, true) => Some(format!("v <= {}", inner.last)),
    }
}

fn null_condition(field: &Field) -> Option<String> {
    field.nullable.map(|null| condition(null, field.versions).unwrap_or("true".into()))
}

fn read_expr(field: &Field) -> String {
    let name = &field.name;
    let method = match &field.kind {
        Kind::Scalar(scalar) => scalar,
        Kind::String => "string",
        Kind::Bytes | Kind::Records => "bytes",
        Kind::Uuid => "uuid",
        Kind::Struct(_) => "structure",
    };
    match (null_condition(field), field.array, &field.kind) {
        (Some(null), true, _) => format!("self.{name} = d.nullable_array({null}, v, \"{name}\")?;"),
        (None, true, _) => format!("self.{name} = d.array(v, \"{name}\")?;"),
        (Some(null), false, Kind::Struct(_)) => format!("self.{name} = d.nullable_structure({null}, v, \"{name}\")?;"),
        (None, false, Kind::Struct(_)) => format!("self.{name}.read(d, v)?;"),
        (Some(null), false, _) => format!("self.{name} = d.nullable_{method}({null}, \"{name}\")?;"),
        (None, false, _) => format!("self.{name} = d.{method}(\"{name}\")?;"),
    }
}

fn write_expr(field: &Field) -> String {
    let name = &field.name;
    let method = match &field.kind {
        Kind::Scalar(scalar) => scalar,
        Kind::String => "string",
        Kind::Bytes | Kind::Records => "bytes",
        Kind::Uuid => "uuid",
        Kind::Struct(_) => "structure",
    };
    match (null_condition(field), field.array, &field.kind) {
        (Some(null), true, _) => format!("e.nullable_array({null}, &self.{name}, v, \"{name}\");"),
        (None, true, _) => format!("e.array(&self.{name}, v, \"{name}\");"),
        (Some(null), false, Kind::Struct(_)) => {
            format!("e.nullable_structure({null}, &self.{name}, v, \"{name}\");")
        }
        (None, false, Kind::Struct(_)) => format!("self.{name}.write(e, v);"),
        (Some(null), false, _) => {
            format!("e.nullable_{method}({null}, self.{name}.as_deref(), \"{name}\");")
        }
        (None, false, Kind::Scalar(_) | Kind::Uuid) => format!("e.{method}(self.{name});"),
        (None, false, _) => format!("e.{method}(&self.{name}, \"{name}\");"),
    }
}

/// The test, as Rust, that a field has another value than an absent one.
fn present_expr(field: &Field) -> String {
    let name = &field.name;
    let nullable = field.nullable.is_some();
    match (&field.default, &field.kind) {
        (Default::Value(value), Kind::Scalar("bool")) if value == "true" => format!("!self.{name}"),
        (Default::Value(value), _) => format!("self.{name} != {value}"),
        (Default::Empty, Kind::Struct(_)) if !field.array => format!("self.{name} != Some(Default::default())"),
        (Default::Empty, _) => format!("self.{name}.as_ref().is_none_or(|x| !x.is_empty())"),
        (Default::Natural, _) if nullable => format!("self.{name}.is_some()"),
        (Default::Natural, _) if field.array => format!("!self.{name}.is_empty()"),
        (Default::Natural, Kind::Scalar("bool")) => format!("self.{name}"),
        (Default::Natural, Kind::Scalar("f64")) => format!("self.{name} != 0.0"),
        (Default::Natural, Kind::Scalar(_)) => format!("self.{name} != 0"),
        (Default::Natural, Kind::Uuid) => format!("self.{name} != Uuid::ZERO"),
        (Default::Natural, Kind::Struct(structure)) => format!("self.{name} != {structure}::default()"),
        (Default::Natural, _) => format!("!self.{name}.is_empty()"),
    }
}

fn read_body(message: &Message, structure: &Struct) -> String {
    let mut body = String::new();
    for field in structure.fields.iter().filter(|f| f.tag.is_none()) {
        let _ = match condition(field.versions, structure.versions) {
            None => writeln!(body, "        {}", read_expr(field)),
            Some(test) => writeln!(body, "        if {test} {{\n            {}\n        }}", read_expr(field)),
        };
    }
    if !message.is_flexible(structure.versions.last) {
        return body;
    }
    let tagged: Vec<_> = structure.fields.iter().filter(|f| f.tag.is_some()).collect();
    if tagged.is_empty() {
        body.push_str("        d.skip_tags()?;\n");
        return body;
    }
    body.push_str("        let mut tags = d.tags()?;\n        while let Some(tag) = d.next_tag(&mut tags)? {\n");
    body.push_str("            match tag {\n");
    for field in tagged {
        let tag = field.tag.unwrap_or_default();
        let _ = match condition(field.versions, structure.versions) {
            None => writeln!(body, "                {tag} => {{ {} }}", read_expr(field)),
            Some(test) => writeln!(body, "                {tag} if {test} => {{ {} }}", read_expr(field)),
        };
    }
    body.push_str("                _ => d.skip_tag(&tags),\n            }\n        }\n");
    body
}

fn write_body(message: &Message, structure: &Struct) -> String {
    let mut body = String::new();
    for field in structure.fields.iter().filter(|f| f.tag.is_none()) {
        let Some(test) = condition(field.versions, structure.versions) else {
            let _ = writeln!(body, "        {}", write_expr(field));
            continue;
        };
        let _ = write!(body, "        if {test} {{\n            {}\n        }}", write_expr(field));
        if !field.ignorable {
            let _ = write!(
                body,
                " else if {} {{\n            e.cannot_carry(\"{}\", v);\n        }}",
                present_expr(field),
                field.name
            );
        }
        body.push('\n');
    }
    let mut tagged: Vec<_> = structure.fields.iter().filter(|f| f.tag.is_some()).collect();
    tagged.sort_by_key(|f| f.tag);
    let flexible = message.is_flexible(structure.versions.last);
    if tagged.is_empty() {
        if flexible {
            body.push_str("        e.no_tags();\n");
        }
        return body;
    }
    body.push_str("        let tags = e.tags();\n");
    for field in tagged {
        let tag = field.tag.unwrap_or_default();
        let present = present_expr(field);
        let write = write_expr(field);
        let (outer, refuse) = (structure.versions, format!("e.cannot_carry(\"{}\", v);", field.name));
        let tagged = format!("let tag = e.begin_tag(tags, {tag});\n            {write}\n            e.end_tag(tag);");
        match (condition(field.versions, outer), field.ignorable) {
            (None, _) => {
                let _ = writeln!(body, "        if {present} {{\n            {tagged}\n        }}");
            }
            (Some(test), true) => {
                let _ = writeln!(body, "        if {test} && {present} {{\n            {tagged}\n        }}");
            }
            (Some(test), false) => {
                let _ = writeln!(
                    body,
                    "        if {test} && {present} {{\n            {tagged}\n        }} else if {present} {{\n            \
                     {refuse}\n        }}"
                );
            }
        }
    }
    body
}

/// `messages/mod.rs`: the modules, and every request and response by name.
pub fn module(files: &[(String, File)]) -> String {
    let mut out = String::from(
        "//! All messages, generated by `cargo run -p corelog-wire-codegen` from `schemas/kafka`.\n//!\n\
         //! Names are Kafka's; what each field means is told by Kafka's protocol guide.\n\n\
         #![allow(missing_docs)] // the fields\n\n",
    );
    out.push_str("pub mod api_key;\n");
    for (name, _) in files {
        let _ = writeln!(out, "pub mod {name};");
    }
    out.push('\n');
    for (name, file) in files.iter().filter(|(_, file)| file.api.is_some()) {
        let _ = writeln!(out, "pub use {name}::{{{}, {}}};", file.messages[0].name(), file.messages[1].name());
    }
    out
}

/// `messages/api_key.rs`: the enumeration of all APIs and the table of their versions.
pub fn api_key(files: &[(String, File)], hash: u64) -> String {
    let mut apis: Vec<&Api> = files.iter().filter_map(|(_, file)| file.api.as_ref()).collect();
    apis.sort_by_key(|api| api.key);
    let mut out = format!(
        "//! Generated from all of `schemas/kafka` (FNV-1a {hash:016x}); change that, not this.\n\n\
         use crate::api::Definition;\n\n/// An API that a broker may serve.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\n#[repr(i16)]\npub enum ApiKey {{\n"
    );
    for api in &apis {
        let _ = writeln!(out, "    /// Versions {} to {}.", api.versions.first, api.versions.last);
        let _ = writeln!(out, "    {} = {},", api.name, api.key);
    }
    let _ = writeln!(out, "}}\n\n/// Every API, by key.\npub(crate) const TABLE: [Definition; {}] = [", apis.len());
    for Api { name, versions, flexible, unstable, .. } in &apis {
        let flexible = flexible.map_or("i16::MAX".into(), |first| first.to_string());
        let stable = unstable.map_or(versions.last, |first| first - 1);
        let _ = writeln!(
            out,
            "    Definition {{ key: ApiKey::{name}, name: \"{name}\", first: {}, stable: {stable}, last: {}, flexible: {flexible} }},",
            versions.first, versions.last
        );
    }
    out.push_str("];\n\n");
    out.push_str(
        "/// Calls the macro `$then` with a list `ApiName ApiNameRequest ApiNameResponse, ...` of all APIs.\n\
         #[macro_export]\nmacro_rules! for_each_api {\n    ($then:ident) => {\n        $then! {\n",
    );
    for api in &apis {
        let _ = writeln!(out, "            {name} {name}Request {name}Response,", name = api.name);
    }
    out.push_str("        }\n    };\n}\n");
    out
}
