"""Kafka's messages as `schemas/kafka` defines them: requests written from values, right or wrong, and responses read.

A structure is a dict of its fields. What is absent has its default. A wrong value is written as asked: None where there is no
null, `Raw` bytes in a field's place, tagged fields that nobody knows under the name TAGS.
"""

import struct
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SCHEMAS = Path(__file__).resolve().parent.parent.parent / "schemas/kafka"
SCALARS = {"bool": "?", "i8": "b", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "f64": "d"}
LENGTHS = {"string": "h", "bytes": "i", "records": "i"}
OPEN = 1 << 15
#: The tagged fields of a structure that its definition does not have: [(tag, bytes)].
TAGS = "unknown tags"


@dataclass(frozen=True)
class Raw:
    """Written as it is, whatever the field's type."""

    bytes: bytes


@dataclass
class Field:
    name: str
    kind: str
    array: bool
    versions: range
    nullable: range
    tag: int | None = None
    default: str | None = None
    plain: bool = False
    #: The fields of its structure, if its kind is one.
    fields: list = field(default_factory=list)

    def absent(self, version):
        """Its value where nobody gives one."""
        if self.default not in (None, "empty"):
            return {"true": True, "false": False}.get(self.default) if self.kind == "bool" else int(self.default)
        if version in self.nullable and self.default != "empty":
            return None
        if self.array:
            return []
        if self.kind in SCALARS:
            return 0
        return {"string": "", "bytes": b"", "records": b"", "uuid": bytes(16)}.get(self.kind, {})


@dataclass
class Api:
    name: str
    key: int
    versions: range
    flexible: int
    request: list
    response: list

    def is_flexible(self, version):
        return version >= self.flexible


def _range(text, outer):
    first, dash, last = text.rstrip("+").partition("-")
    end = outer.stop if text.endswith("+") else int(last if dash else first) + 1
    return range(max(int(first), outer.start), min(end, outer.stop))


def _field(words, outer):
    name, kind, *words = words
    kind, null, nullable = kind.partition("?")
    found = Field(name.rstrip(":"), kind.strip("[]"), kind[0] == "[", outer, range(0))
    while words:
        word = words.pop(0)
        if word == "tag":
            found.tag = int(words.pop(0))
        elif word == "=":
            found.default = words.pop(0)
        elif word == "plain":
            found.plain = True
        elif word != "ignorable":
            found.versions = _range(word, outer)
    if null:
        found.nullable = _range(nullable, found.versions) if nullable else found.versions
    return found


def _fields(lines, outer, named):
    """The fields up to the closing brace; `named` holds the structures of the message."""
    found = []
    for words in lines:
        if words == ["}"]:
            return found
        if words[0] == "struct":
            named[words[1]] = _fields(lines, _range(words[2], outer) if len(words) == 4 else outer, named)
            continue
        opens = words[-1] == "{"
        one = _field(words[:-1] if opens else words, outer)
        if opens:
            named[one.kind] = _fields(lines, one.versions, named)
        one.fields = named.get(one.kind, [])
        found.append(one)
    raise ValueError("a brace is not closed")


def _api(text):
    lines = iter([words for line in text.splitlines() if (words := line.split("#")[0].split())])
    _, name, key = next(lines)
    _, versions = next(lines)
    versions = _range(versions, range(OPEN))
    bodies, flexible = {}, OPEN
    for words in lines:
        if words[0] == "flexible" and words[1] != "none":
            flexible = int(words[1].rstrip("+"))
        elif words[0] == "unstable":
            versions = range(versions.start, int(words[1]))
        elif words[0] in ("request", "response"):
            bodies[words[0]] = _fields(lines, versions, {}) if words[1] == "{" else []
    return Api(name, int(key), versions, flexible, bodies["request"], bodies["response"])


@cache
def apis():
    """{name: API}."""
    texts = [path.read_text() for path in sorted(SCHEMAS.glob("*.kafka"))]
    return {api.name: api for api in map(_api, (text for text in texts if text.startswith("api ")))}


def names():
    """{key: name}."""
    return {api.key: api.name for api in apis().values()}


def unsigned_varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


class Writer:
    """Writes structures of one version."""

    def __init__(self, version, flexible):
        self.version, self.flexible = version, flexible

    def length(self, count, form, compact):
        """The length in front of what has one; None is null's."""
        if compact:
            return unsigned_varint(0 if count is None else count + 1)
        return struct.pack(">" + form, -1 if count is None else count)

    def element(self, one, value):
        if isinstance(value, Raw):
            return value.bytes
        if one.kind in SCALARS:
            return struct.pack(">" + SCALARS[one.kind], value)
        if one.kind == "uuid":
            return value
        if one.kind in LENGTHS:
            value = value.encode() if isinstance(value, str) else value
            size = self.length(None if value is None else len(value), LENGTHS[one.kind], self.flexible and not one.plain)
            return size + (value or b"")
        return self.structure(one.fields, value)

    def value(self, one, value):
        if isinstance(value, Raw):
            return value.bytes
        if one.array:
            count = self.length(None if value is None else len(value), "i", self.flexible)
            return count + b"".join(self.element(one, item) for item in value or ())
        if one.fields and self.version in one.nullable:
            return b"\xff" if value is None else b"\1" + self.element(one, value)
        return self.element(one, value)

    def structure(self, fields, values):
        strange = set(values) - {one.name for one in fields} - {TAGS}
        assert not strange, f"no such fields: {strange}"
        out, tagged = [], [*values.get(TAGS, ())]
        for one in fields:
            if self.version not in one.versions:
                continue
            if one.tag is None:
                out.append(self.value(one, values.get(one.name, one.absent(self.version))))
            elif one.name in values:
                tagged.append((one.tag, self.value(one, values[one.name])))
        if self.flexible:
            out.append(unsigned_varint(len(tagged)))
            out += [unsigned_varint(tag) + unsigned_varint(len(data)) + data for tag, data in sorted(tagged)]
        return b"".join(out)


def body(name, version, values):
    """A request's body."""
    api = apis()[name]
    return Writer(version, api.is_flexible(version)).structure(api.request, values)


class Malformed(Exception):
    """A response that is not as its definition says."""


class Parser:
    """Reads structures of one version."""

    def __init__(self, data, version, flexible):
        self.data, self.at, self.version, self.flexible = data, 0, version, flexible

    def bytes(self, size):
        self.at += size
        if self.at > len(self.data):
            raise Malformed(f"ends at {len(self.data)}, before {self.at}")
        return self.data[self.at - size : self.at]

    def scalar(self, form):
        return struct.unpack(">" + form, self.bytes(struct.calcsize(form)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.scalar("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def length(self, form, compact):
        return self.varint() - 1 if compact else self.scalar(form)

    def element(self, one):
        if one.kind in SCALARS:
            return self.scalar(SCALARS[one.kind])
        if one.kind == "uuid":
            return self.bytes(16)
        if one.kind in LENGTHS:
            size = self.length(LENGTHS[one.kind], self.flexible and not one.plain)
            if size < 0:
                return None
            return self.bytes(size).decode() if one.kind == "string" else self.bytes(size)
        return self.structure(one.fields)

    def value(self, one):
        if one.array:
            count = self.length("i", self.flexible)
            return None if count < 0 else [self.element(one) for _ in range(count)]
        if one.fields and self.version in one.nullable and self.scalar("b") < 0:
            return None
        return self.element(one)

    def structure(self, fields):
        here = [one for one in fields if self.version in one.versions]
        found = {one.name: self.value(one) if one.tag is None else one.absent(self.version) for one in here}
        if self.flexible:
            tags = {one.tag: one for one in here if one.tag is not None}
            for _ in range(self.varint()):
                tag, size = self.varint(), self.varint()
                end = self.at + size
                if tag in tags:
                    found[tags[tag].name] = self.value(tags[tag])
                else:
                    found.setdefault(TAGS, []).append((tag, self.bytes(size)))
                if self.at != end:
                    raise Malformed(f"tag {tag} is not as long as it says")
        return found


def read(name, version, frame):
    """A response, without its length, as a dict; every byte of it."""
    api = apis()[name]
    flexible = api.is_flexible(version)
    parser = Parser(frame, version, flexible)
    parser.bytes(4)
    # The answer to ApiVersions has an old header always, since the client cannot know.
    if flexible and name != "ApiVersions" and parser.varint():
        raise Malformed("tags in the header")
    found = parser.structure(api.response)
    if parser.at != len(frame):
        raise Malformed(f"{len(frame) - parser.at} bytes behind the body")
    return found
