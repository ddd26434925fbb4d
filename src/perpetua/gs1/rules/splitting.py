"""Element strings whose separators a scanner dropped: all ways in which they can be read.

A value of variable length ends anywhere between its bounds where its characters and checks allow it and the rest can be
read to the end. Source: none; GS1 demands the separators.
"""

from collections.abc import Iterator
from functools import cache
from itertools import count, islice
from typing import Final

from perpetua.gs1.rules.checks import CHARACTERS, check_value
from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.rules.identifiers import IDENTIFIERS, identifier_at
from perpetua.gs1.rules.pairing import findings
from perpetua.gs1.rules.raw import Raw
from perpetua.gs1.types import Identifier

__all__ = ["MOST_READINGS", "cuts_well", "evidence", "plausible", "possible"]

LONGEST: Final = 120
"""Characters; GS1-128 carries 48. What is longer is read as the standard says, or not at all."""
MOST_READINGS: Final = 100
MOST_STEPS: Final = 2000
_TELLING: Final = {"csum", "csumalpha", "yymmd0", "yymmdd"}
"""Checks that hardly ever hold by chance."""
_COMMON: Final = frozenset(
    ["00", "01", "02", "10", "11", "13", "15", "16", "17", "21", "30", "37", "240", "400", "410", "414"]
)
"""Identifiers that most labels are made of, beside measures (31nn and 32nn)."""


def possible(body: str) -> tuple[list[tuple[Raw, ...]], bool]:
    """The readings of a text without separators, each identifier at most once; and whether these are all there are."""
    if len(body) > LONGEST:
        return [], False

    @cache
    def steps(at: int) -> tuple[tuple[str, int, int], ...]:
        """Elements that may stand there and from whose end the rest can be read: identifier, value's begin and end."""
        identifier = identifier_at(body, at)
        if identifier is None:
            return ()
        begins = at + len(identifier.ai)
        return tuple(
            (identifier.ai, begins, end) for end in _ends(identifier, body, begins) if end == len(body) or steps(end)
        )

    budget = count()

    def walk(at: int, before: tuple[Raw, ...]) -> Iterator[tuple[Raw, ...]]:
        if next(budget) > MOST_STEPS:
            return
        if at == len(body):
            yield before
            return
        for ai, begins, end in steps(at):
            if all(one.ai != ai for one in before):
                yield from walk(end, (*before, Raw(ai, body[begins:end], at)))

    found = list(islice(walk(0, ()), MOST_READINGS))
    return found, len(found) < MOST_READINGS and next(budget) <= MOST_STEPS


def _ends(identifier: Identifier, body: str, begins: int) -> Iterator[int]:
    longest = min(len(body), begins + identifier.most)
    part = identifier.parts[0]
    if len(identifier.parts) == 1 and not part.checks and part.kind != "Z":
        match = CHARACTERS[part.kind].match(body, begins, longest)
        yield from range(begins + part.least, (match.end() if match else begins) + 1)
        return
    for end in range(begins + identifier.least, longest + 1):
        try:
            check_value(identifier, body[begins:end])
        except Fault:
            continue
        yield end


def plausible(readings: list[tuple[Raw, ...]]) -> list[tuple[Raw, ...]]:
    """Those that offend against the fewest pairs, which identifiers must and must not have; the likeliest first: of
    common identifiers, and few of them.
    """
    counted = [(len(findings([one.ai for one in reading])), reading) for reading in readings]
    least = min((count for count, _ in counted), default=0)
    kept = [reading for count, reading in counted if count == least]
    return sorted(kept, key=lambda reading: (sum(not _common(one) for one in reading), len(reading)))


def evidence(reading: tuple[Raw, ...], beside: list[Raw]) -> bool:
    """Whether an element that `beside` does not have bears a check of its own, so that it is hardly there by chance."""
    other = set(beside)
    return any(
        one not in other and any(not _TELLING.isdisjoint(part.checks) for part in IDENTIFIERS[one.ai].parts)
        for one in reading
    )


def cuts_well(reading: tuple[Raw, ...], last: Raw) -> bool:
    """Whether a reading cuts a long last value (more than 12 characters) into common elements of 3 or more each: a lot
    and a serial, most likely, without the separator between them.
    """
    pieces = [one for one in reading if one.at >= last.at]
    return len(last.value) > 12 and all(_common(one) and len(one.value) >= 3 for one in pieces)


def _common(one: Raw) -> bool:
    return one.ai in _COMMON or one.ai[:2] in ("31", "32")
