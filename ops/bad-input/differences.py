"""A file of differences: which cases may differ, and why. A line is `case: reason`; a case may be a pattern (`*`, `[a-z]`)."""

from fnmatch import fnmatchcase


def listed(file):
    """{case or pattern: reason}."""
    found = {}
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            case, colon, reason = line.rpartition(": ")
            assert colon and reason, f"{file.name}: a reason is missing: {line}"
            assert case not in found, f"{file.name}: twice: {case}"
            found[case] = reason
    return found


def excused(entry, name):
    return entry == name or fnmatchcase(name, entry)


def judge(results, reasons):
    """What is wrong: a difference without a reason, or a reason without its difference. Results have a name and `equal`."""
    problems = []
    for entry in reasons:
        meant = [result for result in results if excused(entry, result.name)]
        if not meant:
            problems.append(f"{entry}: listed, and no case is called so")
        problems += [f"{one.name}: listed as {entry}, and does not differ" for one in meant if one.equal]
    unlisted = [one for one in results if not one.equal and not any(excused(entry, one.name) for entry in reasons)]
    return problems, unlisted
