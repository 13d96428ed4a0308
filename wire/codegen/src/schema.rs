//! The model of a message definition: what `schemas/kafka/*.kafka` says, parsed and checked.

use std::fmt;

/// The largest version number; an open range ends here until it is clamped to its message's versions.
const OPEN: i16 = i16::MAX;

/// An inclusive range of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The first version.
    pub first: i16,
    /// The last version.
    pub last: i16,
}

impl Versions {
    /// Whether `version` lies in the range.
    pub fn contains(self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }

    /// The versions that are in both ranges, if any.
    pub fn and(self, other: Versions) -> Option<Versions> {
        let both = Versions { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }
}

/// What one element of a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number or a bool, named as in Rust.
    Scalar(&'static str),
    /// UTF-8 with a length.
    String,
    /// Bytes with a length.
    Bytes,
    /// Record batches: bytes whose length is an `i32` or a varint.
    Records,
    /// Sixteen bytes.
    Uuid,
    /// A structure of the same message, by name.
    Struct(String),
}

/// The value a field has when it is not on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// Zero, false, empty; null where the field may be null.
    Natural,
    /// Empty although the field may be null.
    Empty,
    /// A number or a bool.
    Value(String),
}

/// One field of a structure.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name, as in Rust.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it holds a list of `kind`.
    pub array: bool,
    /// The versions that carry it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Option<Versions>,
    /// Its tag, if it travels in the tagged section.
    pub tag: Option<u32>,
    /// Its value where it is absent.
    pub default: Default,
    /// Whether a value that a version cannot carry is dropped in silence rather than refused.
    pub ignorable: bool,
    /// Whether a string keeps its two-byte length in flexible versions too.
    pub plain: bool,
}

/// A structure, in the order of its fields on the wire.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Its name, unique within its file.
    pub name: String,
    /// The versions in which it can occur.
    pub versions: Versions,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A request of the API with this key.
    Request(i16),
    /// A response of the API with this key.
    Response(i16),
    /// The key or value of a coordinator's record of this type.
    Record(i16),
    /// Anything else.
    Data,
}

/// A message: its own structure first, then those it uses.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it is for.
    pub role: Role,
    /// All its versions.
    pub versions: Versions,
    /// The first version with compact encodings and tagged fields.
    pub flexible: Option<i16>,
    /// Structures; the message itself is the first.
    pub structs: Vec<Struct>,
}

impl Message {
    /// The message's name.
    pub fn name(&self) -> &str {
        &self.structs[0].name
    }

    /// Whether `version` uses compact encodings.
    pub fn is_flexible(&self, version: i16) -> bool {
        self.flexible.is_some_and(|first| version >= first)
    }

    /// The structure called `name`.
    pub fn structure(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|s| s.name == name)
    }
}

/// An API: a pair of messages.
#[derive(Clone, Debug)]
pub struct Api {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: i16,
    /// All its versions, unstable ones too.
    pub versions: Versions,
    /// The first flexible version.
    pub flexible: Option<i16>,
    /// The first version that is not advertised yet.
    pub unstable: Option<i16>,
}

/// One parsed file.
#[derive(Clone, Debug)]
pub struct File {
    /// The API, if the file defines one.
    pub api: Option<Api>,
    /// Its messages; for an API the request, then the response.
    pub messages: Vec<Message>,
}

/// Why a file was refused.
#[derive(Debug)]
pub struct Error {
    line: usize,
    what: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Error {}

/// Reads a definition file.
pub fn parse(text: &str) -> Result<File, Error> {
    let mut parser = Parser { lines: text.lines().enumerate(), line: 0 };
    let file = parser.file().map_err(|what| Error { line: parser.line, what })?;
    check(&file).map_err(|what| Error { line: parser.line, what })?;
    Ok(file)
}

type Parsed<T> = Result<T, String>;

struct Parser<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    line: usize,
}

impl<'a> Parser<'a> {
    /// The next line that says something, split into words.
    fn words(&mut self) -> Option<Vec<&'a str>> {
        for (index, line) in self.lines.by_ref() {
            self.line = index + 1;
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<_> = line.split_whitespace().collect();
            if !words.is_empty() {
                return Some(words);
            }
        }
        None
    }

    fn file(&mut self) -> Parsed<File> {
        let mut file = File { api: None, messages: Vec::new() };
        while let Some(words) = self.words() {
            match words[..] {
                ["api", name, key] => {
                    let versions = Versions { first: 0, last: 0 };
                    let key = number(key)?;
                    file.api = Some(Api { name: name.into(), key, versions, flexible: None, unstable: None });
                }
                ["versions", range] => api(&mut file)?.versions = closed(range)?,
                ["flexible", first] => api(&mut file)?.flexible = flexible(first)?,
                ["unstable", first] => api(&mut file)?.unstable = Some(number(first)?),
                [what @ ("request" | "response"), ref open @ ..] => {
                    let api = api(&mut file)?.clone();
                    let (name, role) = match what {
                        "request" => (format!("{}Request", api.name), Role::Request(api.key)),
                        _ => (format!("{}Response", api.name), Role::Response(api.key)),
                    };
                    let message = self.message(name, role, api.versions, api.flexible, open)?;
                    file.messages.push(message);
                }
                ["message", name, "record", key, "versions", range, "flexible", first, ref open @ ..] => {
                    let role = Role::Record(number(key)?);
                    let message = self.message(name.into(), role, closed(range)?, flexible(first)?, open)?;
                    file.messages.push(message);
                }
                ["message", name, "versions", range, "flexible", first, ref open @ ..] => {
                    let message = self.message(name.into(), Role::Data, closed(range)?, flexible(first)?, open)?;
                    file.messages.push(message);
                }
                _ => return Err(format!("not understood: {}", words.join(" "))),
            }
        }
        Ok(file)
    }

    fn message(
        &mut self,
        name: String,
        role: Role,
        versions: Versions,
        flexible: Option<i16>,
        open: &[&str],
    ) -> Parsed<Message> {
        let mut message = Message { role, versions, flexible, structs: Vec::new() };
        match open {
            ["{}"] => message.structs.push(Struct { name, versions, fields: Vec::new() }),
            ["{"] => self.structure(name, versions, &mut message.structs)?,
            _ => return Err("expected { or {}".into()),
        }
        Ok(message)
    }

    /// Reads up to the closing brace; pushes this structure, then those inside it.
    fn structure(&mut self, name: String, versions: Versions, out: &mut Vec<Struct>) -> Parsed<()> {
        let place = out.len();
        out.push(Struct { name, versions, fields: Vec::new() });
        loop {
            let words = self.words().ok_or("a brace is not closed")?;
            match words[..] {
                ["}"] => return Ok(()),
                ["struct", name, "{"] => self.structure(name.into(), versions, out)?,
                ["struct", name, range, "{"] => {
                    let range = within(range, versions)?;
                    self.structure(name.into(), range, out)?;
                }
                [first, ref rest @ ..] => {
                    let name = first.strip_suffix(':').ok_or_else(|| format!("expected a field, got {first}"))?;
                    let (rest, opens) = match rest {
                        [rest @ .., "{"] => (rest, true),
                        _ => (rest, false),
                    };
                    let field = field(name, rest, versions)?;
                    if opens {
                        let Kind::Struct(structure) = field.kind.clone() else {
                            return Err(format!("{name} is no structure"));
                        };
                        self.structure(structure, field.versions, out)?;
                    }
                    out[place].fields.push(field);
                }
                [] => {}
            }
        }
    }
}

fn api(file: &mut File) -> Parsed<&mut Api> {
    file.api.as_mut().ok_or_else(|| "needs an api line before it".into())
}

fn number(text: &str) -> Parsed<i16> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

fn flexible(text: &str) -> Parsed<Option<i16>> {
    match text.strip_suffix('+') {
        Some(first) => number(first).map(Some),
        None if text == "none" => Ok(None),
        None => Err(format!("flexible wants N+ or none, not {text}")),
    }
}

fn range(text: &str) -> Parsed<Versions> {
    let (first, last) = match (text.strip_suffix('+'), text.split_once('-')) {
        (Some(first), _) => (number(first)?, OPEN),
        (None, Some((first, last))) => (number(first)?, number(last)?),
        (None, None) => (number(text)?, number(text)?),
    };
    if first > last {
        return Err(format!("versions run backwards: {text}"));
    }
    Ok(Versions { first, last })
}

fn closed(text: &str) -> Parsed<Versions> {
    let range = range(text)?;
    if range.last == OPEN { Err(format!("a message's versions must end: {text}")) } else { Ok(range) }
}

fn within(text: &str, outer: Versions) -> Parsed<Versions> {
    range(text)?.and(outer).ok_or_else(|| format!("versions {text} lie outside those of what holds it"))
}

fn kind(text: &str) -> Parsed<Kind> {
    const SCALARS: [&str; 9] = ["bool", "i8", "i16", "i32", "i64", "u16", "u32", "f64", "u8"];
    if let Some(scalar) = SCALARS.iter().find(|scalar| **scalar == text) {
        return Ok(Kind::Scalar(scalar));
    }
    Ok(match text {
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        "records" => Kind::Records,
        "uuid" => Kind::Uuid,
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) => Kind::Struct(name.into()),
        _ => return Err(format!("unknown type {text}")),
    })
}

/// `TYPE[?[VERSIONS]] [VERSIONS] [tag N] [= DEFAULT] [ignorable] [plain]`
fn field(name: &str, words: &[&str], outer: Versions) -> Parsed<Field> {
    let (first, mut words) = words.split_first().ok_or("a field needs a type")?;
    let (type_name, null) = match first.split_once('?') {
        Some((type_name, null)) => (type_name, Some(null)),
        None => (*first, None),
    };
    let inner = type_name.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let mut field = Field {
        name: name.into(),
        kind: kind(inner.unwrap_or(type_name))?,
        array: inner.is_some(),
        versions: outer,
        nullable: None,
        tag: None,
        default: Default::Natural,
        ignorable: false,
        plain: false,
    };
    loop {
        words = match words {
            [] => break,
            ["tag", tag, rest @ ..] => {
                field.tag = Some(tag.parse().map_err(|_| format!("bad tag {tag}"))?);
                rest
            }
            ["=", "empty", rest @ ..] => {
                field.default = Default::Empty;
                rest
            }
            ["=", value, rest @ ..] => {
                field.default = Default::Value((*value).into());
                rest
            }
            ["ignorable", rest @ ..] => {
                field.ignorable = true;
                rest
            }
            ["plain", rest @ ..] => {
                field.plain = true;
                rest
            }
            [range, rest @ ..] => {
                field.versions = within(range, outer)?;
                rest
            }
        };
    }
    field.nullable = match null {
        None => None,
        Some("") => Some(field.versions),
        Some(range) => Some(within(range, field.versions)?),
    };
    Ok(field)
}

/// What the grammar cannot say: names resolve and are unique, tags lie in flexible versions and are dense.
fn check(file: &File) -> Parsed<()> {
    let mut names: Vec<&str> = Vec::new();
    for message in &file.messages {
        for structure in &message.structs {
            if names.contains(&&*structure.name) {
                return Err(format!("{} is defined twice", structure.name));
            }
            names.push(&structure.name);
            for field in &structure.fields {
                let place = format!("{}.{}", structure.name, field.name);
                if let Kind::Struct(name) = &field.kind
                    && message.structure(name).is_none()
                {
                    return Err(format!("{place}: no structure {name}"));
                }
                if structure.fields.iter().filter(|other| other.name == field.name).count() > 1 {
                    return Err(format!("{place} is defined twice"));
                }
                if field.tag.is_some() && !message.is_flexible(field.versions.first) {
                    return Err(format!("{place}: a tag in a version that is not flexible"));
                }
            }
        }
    }
    Ok(())
}
