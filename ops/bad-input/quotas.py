"""Quotas of clients altered and described, good, bad and odd. All are high: nobody is throttled by them."""

import struct

from protocol import *
from reader import Reader

EXACT, DEFAULT, ANY = range(3)
LARGE = 1e12


def altered(frame):
    """AlterClientQuotas, version 0; in the order of a hash table."""

    def entry(reader):
        code, message = reader.take("h"), reader.text()
        return code, message, tuple(sorted(reader.rows(lambda r: (r.text(), r.text())), key=repr))

    reader = Reader(frame)
    reader.take("i")
    return tuple(sorted(reader.rows(entry), key=repr))


def described(frame, flexible=False):
    """DescribeClientQuotas; in the order of a hash table. Null entries come with an error."""
    reader = Reader(frame, flexible)
    reader.take("i")
    code, message = reader.take("h"), reader.text()
    if code:
        return code, message, reader.take("i")

    def entry(reader):
        entity = tuple(sorted(reader.rows(lambda r: (r.text(), r.text())), key=repr))
        return entity, tuple(sorted(reader.rows(lambda r: (r.text(), repr(r.take("d"))))))

    return code, message, tuple(sorted(reader.rows(entry), key=repr))


def alter(*entries, validate_only=False):
    """entries: ([(type, name)], [(key, value)]); a value of None removes."""
    f64 = lambda value: struct.pack(">d", value or 0.0)  # noqa: E731
    op = lambda key, value: string(key) + f64(value) + i8(value is None)  # noqa: E731
    rows = [array([string(kind) + string(name) for kind, name in entity]) + array([op(*one) for one in ops]) for entity, ops in entries]
    return request(ALTER_CLIENT_QUOTAS, 0, array(rows) + i8(validate_only))


def describe(*components, strict=False):
    """components: (type, match type, text)."""
    return request(DESCRIBE_CLIENT_QUOTAS, 0, array([string(kind) + i8(match) + string(text) for kind, match, text in components]) + i8(strict))


def altering(cases):
    user, client, ip = ("user", "quota-u"), ("client-id", "quota-c"), ("ip", "10.9.8.7")
    produced = ("producer_byte_rate", LARGE)

    def add(name, *entries, **how):
        cases.add(f"AlterClientQuotas: {name}", alter(*entries, **how), see=altered)

    add("a user", ([user], [produced]))
    add("a client id", ([client], [produced, ("consumer_byte_rate", LARGE), ("request_percentage", 99_999.5), ("controller_mutation_rate", 1e6)]))
    add("both", ([client, user], [produced]))
    add("an address", ([ip], [("connection_creation_rate", 1e6)]))
    add("defaults", ([("user", None)], [produced]), ([("client-id", None)], [produced]), ([("ip", None)], [("connection_creation_rate", 1e6)]))
    add("a user's default client id", ([user, ("client-id", None)], [produced]))
    add("a client id of the default user", ([("user", None), client], [produced]))
    add("nothing")
    add("of nobody", ([], [produced]))
    add("without a change", ([user], []))
    add("an unknown type", ([("group", "g")], [produced]))
    add("an unknown type beside a user", ([user, ("group", "g")], [produced]))
    add("an empty type", ([("", "g")], [produced]))
    for kind in ("user", "client-id", "ip"):
        add(f"an empty name of a {kind}", ([(kind, "")], [produced]))
    add("an address and a user", ([ip, user], [produced]))
    add("an address and a client id", ([ip, client], [("connection_creation_rate", 1e6)]))
    add("the same type twice", ([user, ("user", "quota-v")], [produced]))
    add("no address", ([("ip", "no such host")], [("connection_creation_rate", 1e6)]))
    add("an address of version 6", ([("ip", "fe80::1")], [("connection_creation_rate", 1e6)]))
    add("an unknown key", ([user], [("nonsense", 1.0)]))
    add("a good and an unknown key", ([("user", "quota-w")], [produced, ("nonsense", 1.0)]))
    add("an address's key of a user", ([user], [("connection_creation_rate", 1e6)]))
    add("a user's key of an address", ([ip], [produced]))
    for key, value in {
        "producer_byte_rate": 1.5e9 + 0.5,
        "consumer_byte_rate": -1.5,
        "request_percentage": -0.5,
        "controller_mutation_rate": 0.0,
    }.items():
        add(f"{key} = {value}", ([("user", "quota-x")], [(key, value)]))
    add("connection_creation_rate = 1.5", ([ip], [("connection_creation_rate", 1.5)]))
    add("a value of almost a whole number", ([("user", "quota-x")], [("producer_byte_rate", 1e9 + 5e-7)]))
    add("no number", ([("user", "quota-y")], [("producer_byte_rate", float("nan"))]))
    add("infinitely much", ([("user", "quota-y")], [("request_percentage", float("inf"))]))
    add("a key twice", ([user], [produced, ("producer_byte_rate", 2 * LARGE)]))
    add("set and remove", ([user], [produced, ("producer_byte_rate", None)]))
    add("an entity twice", ([("user", "quota-v")], [("consumer_byte_rate", LARGE)]), ([("user", "quota-v")], [produced]))
    add("two types twice", ([user, client], [produced]), ([client, user], [produced]))
    add("a default twice", ([("user", None)], [produced]), ([("user", None)], [produced]))
    add("a good and a bad entity", ([user], [produced]), ([], [produced]))
    add("remove what is not there", ([("user", "nobody")], [("producer_byte_rate", None)]))
    add("remove an unknown key", ([user], [("nonsense", None)]))
    add("validate only", ([("user", "quota-z")], [produced]), validate_only=True)
    add("validate only, bad", ([("user", "")], [produced]), validate_only=True)
    cases.add("AlterClientQuotas without a body", request(ALTER_CLIENT_QUOTAS, 0, b""))
    cases.add("AlterClientQuotas of 2^31 entries", request(ALTER_CLIENT_QUOTAS, 0, b"\x7f\xff\xff\xff"))


def describing(cases):
    pauses = [0.5]

    def add(name, *components, **how):
        cases.add(f"DescribeClientQuotas: {name}", describe(*components, **how), see=described, pause=pauses.pop() if pauses else 0.0)

    add("all")
    add("all, strict", strict=True)
    for strict in (False, True):
        word = ", strict" if strict else ""
        add(f"a user{word}", ("user", EXACT, "quota-u"), strict=strict)
        add(f"users{word}", ("user", ANY, None), strict=strict)
        add(f"the default user{word}", ("user", DEFAULT, None), strict=strict)
        add(f"a user's client ids{word}", ("user", EXACT, "quota-u"), ("client-id", ANY, None), strict=strict)
        add(f"client ids of any user{word}", ("user", ANY, None), ("client-id", ANY, None), strict=strict)
        add(f"a client id{word}", ("client-id", EXACT, "quota-c"), strict=strict)
        add(f"addresses{word}", ("ip", ANY, None), strict=strict)
    add("nobody", ("user", EXACT, "nobody"))
    add("an empty user", ("user", EXACT, ""))
    add("an empty type", ("", ANY, None))
    add("an unknown type", ("group", ANY, None))
    add("a type twice", ("user", ANY, None), ("user", EXACT, "quota-u"))
    add("an address and a user", ("ip", ANY, None), ("user", ANY, None))
    add("exactly null", ("user", EXACT, None))
    add("the default of a name", ("user", DEFAULT, "quota-u"))
    add("any of a name", ("user", ANY, "quota-u"))
    add("match type 3", ("user", 3, None))
    flexible = b"\x02" + b"\x05user" + i8(ANY) + b"\0" + b"\0" + i8(0) + b"\0"
    cases.add("DescribeClientQuotas, version 1", request(DESCRIBE_CLIENT_QUOTAS, 1, flexible, tags=b"\0"), see=lambda frame: described(frame, True))
    cases.add("DescribeClientQuotas without a body", request(DESCRIBE_CLIENT_QUOTAS, 0, b""))


def removing(cases):
    """Nothing is left for whoever comes next."""
    entities = [[("user", name)] for name in ("quota-u", "quota-w", "quota-x", "quota-y", "quota-v", None)]
    entities += [[("client-id", name)] for name in ("quota-c", None)] + [[("ip", name)] for name in ("10.9.8.7", "fe80::1", None)]
    entities += [[("user", "quota-u"), ("client-id", name)] for name in ("quota-c", None)] + [[("user", None), ("client-id", "quota-c")]]
    keys = ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "connection_creation_rate")
    cases.add("AlterClientQuotas: remove all", alter(*[(entity, [(key, None) for key in keys]) for entity in entities]), see=altered)
    cases.add("DescribeClientQuotas: none is left", describe(), see=described, pause=0.5)


def all_kinds(cases):
    for kind in (altering, describing, removing):
        kind(cases)
