"""Every API at every version served, generated from the schemas: a good request, and what spoils it in one place.

Every version has its good request, one of nothing but defaults, one cut short, one with bytes behind it, where it is flexible
one with unknown tagged fields everywhere, and each field in turn at the ends of its range, null, empty, too long, and twice.
"""

import itertools
from dataclasses import dataclass

import protocol
import schema
from good import good
from peer import exchange
from schema import TAGS, Raw

UNKNOWN_TAGS = [(77, b"nobody knows"), (9999, b"")]
#: The longest text there is, 32 KiB less one byte, and one that is nobody's name; what was good is part of both, so that no two
#: cases have one in common.
LONG, ODD = 32767, "\0 /é\u2028"
BOUNDS = {"i8": 1 << 7, "i16": 1 << 15, "i32": 1 << 31, "i64": 1 << 63}
#: How long an answer may take, in seconds.
WAIT = 8.0
#: And where Kafka is known to give none.
SILENCE = 1.0
SILENT = {
    ("Produce", "topic_data.partition_data.records null"),
    ("AlterConfigs", "resources twice"),
    ("JoinGroup", "protocols twice"),
}
#: Not sent: they wait as long as they say, or have Kafka do for minutes what they ask for.
UNSENT = {
    ("Fetch", "max_wait_ms greatest"): "would wait for a month",
    ("InitProducerId", "transactional_id too long"): "makes Kafka begin with transactions, which are not served yet",
}


@dataclass
class Generated:
    """A request by its values, which each side encodes with its own ids."""

    name: str
    api: str
    version: int
    values: dict
    header_tags: tuple = ()
    #: The frame's body is this much longer, or shorter.
    grown: int = 0
    wait: float = WAIT
    pause = 0.0

    def frame(self, side):
        frame = side.request(self.api, self.version, self.values, self.header_tags)[4:]
        frame = frame[: self.grown] if self.grown < 0 else frame + bytes(self.grown)
        return protocol.frame(frame)

    def held(self, side):
        """Its one step with a broker."""
        one = exchange(side.port, [self.frame(side)], wait=self.wait)
        frames = [side.see(self.api, self.version, frame) for frame in one.frames]
        return [(self.name, (self.api, self.version), (frames, one.ending))]


def nested_tags(fields, values, version):
    """The values with unknown tagged fields in every structure."""
    found = {**values, TAGS: UNKNOWN_TAGS}
    for one in fields:
        value = values.get(one.name)
        if one.fields and value and version in one.versions:
            spoil = lambda item, one=one: nested_tags(one.fields, item, version)  # noqa: E731
            found[one.name] = [spoil(item) for item in value] if one.array else spoil(value)
    return found


def spoiled(one, value, version, flexible):
    """A field's wrong and odd values: (what, value)."""
    nullable = version in one.nullable
    if one.array:
        yield "empty", []
        yield "null", None
        yield "null by -2" if nullable else "of count -2", Raw(schema.unsigned_varint((1 << 32) - 1) if flexible else protocol.i32(-2))
        yield "of 2^31 elements", Raw(schema.unsigned_varint(1 << 31) if flexible else protocol.i32((1 << 31) - 1))
        if value:
            yield "twice", [value[0], value[0]]
        return
    if one.kind in BOUNDS:
        bound = BOUNDS[one.kind]
        yield from (("-1", -1), ("least", -bound), ("greatest", bound - 1))
    elif one.kind == "bool":
        yield from (("true", True), ("2", Raw(b"\2")))
    elif one.kind == "string":
        yield from (("empty", ""), ("null", None), ("too long", (value or "").ljust(LONG, "x")), ("odd", ODD + (value or "")))
        if flexible:
            yield "longer than any text", "x" * (LONG + 1)
    elif one.kind in ("bytes", "records"):
        yield from (("empty", b""), ("null", None))
    elif one.kind == "uuid":
        yield from (("zero", bytes(16)), ("unknown", bytes(range(1, 17))))
    elif one.fields and nullable:
        yield "null", None


def mutants(fields, values, version, flexible, path=""):
    """Each field of the values spoiled in turn: (what, values)."""
    for one in fields:
        if version not in one.versions:
            continue
        value = values.get(one.name, one.absent(version))
        for what, wrong in spoiled(one, value, version, flexible):
            yield f"{path}{one.name} {what}", {**values, one.name: wrong}
        if one.array and not one.fields and value:
            inner = schema.Field(one.name, one.kind, False, one.versions, range(0))
            for what, wrong in spoiled(inner, value[0], version, flexible):
                yield f"{path}{one.name}: {what}", {**values, one.name: [wrong]}
        if one.fields and value:
            first = value[0] if one.array else value
            for what, wrong in mutants(one.fields, first, version, flexible, f"{path}{one.name}."):
                yield what, {**values, one.name: [wrong, *value[1:]] if one.array else wrong}


def of_version(api, version, fresh):
    """The cases of one API's version: (what, values, what else of the frame)."""
    flexible = api.is_flexible(version)
    yield "good", good(api.name, fresh()), {}
    yield "defaults", {}, {}
    yield "cut by a byte", good(api.name, fresh()), {"grown": -1}
    yield "a byte behind", good(api.name, fresh()), {"grown": 1}
    if flexible:
        yield "unknown tags", nested_tags(api.request, good(api.name, fresh()), version), {"header_tags": UNKNOWN_TAGS}


def names():
    """Names that nobody used."""
    numbers = itertools.count(1)
    return lambda: f"wide-{next(numbers)}"


def without_match(alone):
    """One good request at each (API, version) that only this broker serves."""
    for name, version in alone:
        yield Generated(f"{name} {version}: good", name, version, good(name, "wide-alone"))


def every_version(served):
    """served: {API: versions}."""
    fresh = names()
    for name, versions in served.items():
        api = schema.apis()[name]
        for version in versions:
            for what, values, how in of_version(api, version, fresh):
                yield Generated(f"{name} {version}: {what}", name, version, values, **how)
            for what, _ in mutants(api.request, good(name, ""), version, api.is_flexible(version)):
                if (name, what) in UNSENT:
                    continue
                # Made anew, since names are of one use.
                values = dict(mutants(api.request, good(name, fresh()), version, api.is_flexible(version)))[what]
                wait = SILENCE if (name, what) in SILENT else WAIT
                yield Generated(f"{name} {version}: {what}", name, version, values, wait=wait)
