"""Elements before they have a meaning, and element strings read as the standard says."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from perpetua.gs1.rules.checks import check_value
from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.rules.identifiers import IDENTIFIERS, WIDTHS, identifier_at
from perpetua.gs1.types import Identifier

__all__ = ["SEPARATOR", "Raw", "checked", "known", "strict", "without_repeats"]

SEPARATOR: Final = "\x1d"
_SEND_FNC1: Final = "Set the scanner so that it sends FNC1 as group separator (ASCII 29)."


class Raw(NamedTuple):
    """An identifier with its value, and where it begins."""

    ai: str
    value: str
    at: int


def known(ai: str, at: int) -> Identifier:
    """The identifier.

    Raises:
        Fault: GS1 has none of that number.
    """
    found = IDENTIFIERS.get(ai)
    if found is None:
        raise Fault(f"GS1 has no application identifier {ai[:8]!a}", "unknown_ai", at, ai=ai[:8])
    return found


def checked(ai: str, value: str, at: int, *, value_at: int) -> Raw:
    """The element, where its value is right.

    Raises:
        Fault: unknown identifier, or a wrong value.
    """
    try:
        check_value(known(ai, at), value)
    except Fault as fault:
        raise fault if fault.ai else fault.within(ai, value, value_at) from None
    return Raw(ai, value, at)


def strict(body: str) -> list[Raw]:
    """The elements of an element string: those of fixed length end by themselves, others at a separator or at the end.

    Raises:
        Fault: the first thing that the standard does not allow.
    """
    found: list[Raw] = []
    at = 0
    while at < len(body):
        if body[at] == SEPARATOR:
            at += 1
            continue
        identifier = identifier_at(body, at)
        if identifier is None:
            width = WIDTHS.get(body[at : at + 2], 2)
            reason = f"no application identifier begins with {body[at : at + width]!a}"
            raise Fault(reason, "unknown_ai", at, advice=_SEND_FNC1, ai=body[at : at + width])
        begins = at + len(identifier.ai)
        ends = body.find(SEPARATOR, begins)
        ends = len(body) if ends < 0 else ends
        if identifier.fixed:
            ends = min(ends, begins + identifier.most)
        found.append(checked(identifier.ai, body[begins:ends], at, value_at=begins))
        at = ends
    return without_repeats(found)


def without_repeats(elements: Iterable[Raw]) -> list[Raw]:
    """Each identifier once.

    Raises:
        Fault: twice with different values.
    """
    kept: dict[str, Raw] = {}
    for one in elements:
        first = kept.setdefault(one.ai, one)
        if first.value != one.value:
            reason = f"stands twice, with {first.value!a} and {one.value!a}"
            raise Fault(reason, "repeated", one.at, advice="Scan one label at a time.", ai=one.ai, value=one.value)
    return list(kept.values())
