"""All application identifiers, from the generated table."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, cast

from perpetua.gs1.rules.table import TABLE
from perpetua.gs1.types import Identifier, Part

__all__ = ["IDENTIFIERS", "WIDTHS", "identifier_at", "matches"]

_PART: Final = re.compile(r"(\[?)([NXYZ])(\.\.)?(\d+)\]?((?:,\w+)*)")


def _read(table: str) -> Iterator[Identifier]:
    for line in table.splitlines():
        ais, title, flags, parts, requires, excludes, qualifiers = line.split("|")
        first, _, last = ais.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield Identifier(
                ai=str(number).zfill(len(first)),
                title=title,
                fixed="F" in flags,
                attribute="A" in flags,
                key="K" in flags,
                parts=tuple(_part(word) for word in parts.split()),
                requires=tuple(
                    tuple(tuple(group.split("+")) for group in rule.split(",")) for rule in requires.split("&") if rule
                ),
                excludes=tuple(excludes.split(",")) if excludes else (),
                qualifiers=tuple(tuple(sequence.split(",")) for sequence in qualifiers.split("/") if sequence),
            )


def _part(word: str) -> Part:
    found = _PART.fullmatch(word)
    assert found, word  # the tool that makes the table knows no other form
    bracket, kind, dots, size, checks = found.groups()
    return Part(
        kind=cast(Literal["N", "X", "Y", "Z"], kind),
        least=1 if dots else int(size),
        most=int(size),
        checks=tuple(checks.split(",")[1:]),
        optional=bool(bracket),
    )


IDENTIFIERS: Final[dict[str, Identifier]] = {one.ai: one for one in _read(TABLE)}
WIDTHS: Final[dict[str, int]] = {ai[:2]: len(ai) for ai in IDENTIFIERS}
"""How many digits an identifier has, by its first two: GS1 never mixes lengths under two digits."""


def identifier_at(text: str, start: int) -> Identifier | None:
    """The identifier that begins there, if any."""
    width = WIDTHS.get(text[start : start + 2], 0)
    return IDENTIFIERS.get(text[start : start + width]) if width else None


@lru_cache(maxsize=4096)
def matches(pattern: str, ai: str) -> bool:
    """Whether an identifier is meant by a pattern such as 310n or 31nn."""
    return len(pattern) == len(ai) and all(sign in ("n", digit) for sign, digit in zip(pattern, ai, strict=True))
