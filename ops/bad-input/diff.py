"""Says where two outcomes differ, in as few words as will do."""

SHORT = 90


def short(value):
    text = repr(value)
    return text if len(text) <= SHORT else f"{text[: SHORT - 20]}... ({len(text)} characters)"


def differences(one, other, path=""):
    """[(path, one's, other's)] of two outcomes made of dicts, lists and tuples."""
    if one == other:
        return []
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [row for key in one for row in differences(one[key], other[key], f"{path}.{key}" if path else key)]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return [row for at, pair in enumerate(zip(one, other, strict=True)) for row in differences(*pair, f"{path}[{at}]")]
    if isinstance(one, list) and isinstance(other, list):
        extra = [item for item in one if item not in other], [item for item in other if item not in one]
        if extra == ([], []):
            return [(path, f"{len(one)} rows", f"{len(other)} rows")]
        return [(path, *extra)]
    return [(path, one, other)]


def said(kafka, corelog, most=4):
    """Lines about two outcomes."""
    rows = differences(kafka, corelog)
    lines = [f"{path or 'all'}: Kafka {short(one)}, Corelog {short(other)}" for path, one, other in rows[:most]]
    return lines + ([f"and {len(rows) - most} more"] if len(rows) > most else [])
