"""What was compared, by API, for people to read; and what must not be missing from it."""

from collections import defaultdict
from dataclasses import dataclass

import schema

#: No request of a version served: bad frames, unknown APIs, versions that there are not.
NO_REQUEST = "no request"


@dataclass
class Row:
    versions: set
    cases: int = 0
    equal: int = 0


def rows(results):
    """{API: row} of results, each with `api` (a name and a version, or None) and `equal`."""
    found = defaultdict(lambda: Row(set()))
    for result in results:
        name, version = result.api or (NO_REQUEST, None)
        row = found[name]
        row.versions.add(version)
        row.cases += 1
        row.equal += result.equal
    return found


def span(versions):
    versions = sorted(version for version in versions if version is not None)
    if not versions:
        return "-"
    assert versions == list(range(versions[0], versions[-1] + 1)), f"a gap: {versions}"
    return f"{versions[0]}-{versions[-1]}" if len(versions) > 1 else f"{versions[0]}"


def table(results):
    """The lines of the report."""
    keys = {api.name: api.key for api in schema.apis().values()}
    found = sorted(rows(results).items(), key=lambda item: keys.get(item[0], -1))
    lines = [f"{'API':<30}{'versions':>9}{'cases':>7}{'equal':>7}{'justified':>11}"]
    for name, row in found:
        lines.append(f"{name:<30}{span(row.versions):>9}{row.cases:>7}{row.equal:>7}{row.cases - row.equal:>11}")
    total = [sum(getattr(row, what) for _, row in found) for what in ("cases", "equal")]
    versions = sum(len(row.versions - {None}) for _, row in found)
    lines.append(f"{f'{len(keys & rows(results).keys())} APIs':<30}{versions:>9}{total[0]:>7}{total[1]:>7}{total[0] - total[1]:>11}")
    return lines


def missing(results, served, by_kafka):
    """The (API, version) that is served and was not compared with an equal answer; of one that Kafka has not, was not asked."""
    equal = {result.api for result in results if result.equal and result.answered}
    asked = {result.api for result in results if result.answered}
    every = [(name, version) for name, versions in served.items() for version in versions]
    return [one for one in every if one not in (equal if one[1] in by_kafka[one[0]] else asked)]
