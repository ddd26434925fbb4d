"""Codes for labels: element strings, the text beside the bars, links. What is built is read back as the same."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from perpetua.gs1.errors import NotGs1
from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.rules.identifiers import IDENTIFIERS
from perpetua.gs1.rules.links import write_link
from perpetua.gs1.rules.raw import SEPARATOR, checked, without_repeats
from perpetua.gs1.rules.reading import message_of
from perpetua.gs1.types import Element

__all__ = ["arrange", "bracketed", "digital_link", "element_string", "elements_of"]

_READ_AS_IDENTIFIER: Final = re.compile(r"\((?=\d{2,4}\))", re.ASCII)


def elements_of(
    pairs: Iterable[tuple[str, str]], *, today: date, complete: bool = True, field: str = "elements"
) -> tuple[Element, ...]:
    """Elements from identifiers and values, checked.

    Args:
        pairs: each an identifier and its value, as in `[("01", "09520123456788"), ("10", "A1")]`.
        today: decides the century of years written with two digits.
        complete: also that no pair is missing or forbidden; False for a label beside another.
        field: how the refusal calls them.

    Raises:
        NotGs1: a value, an identifier, a repetition or a pair that the standard does not allow.
    """
    try:
        raws = without_repeats([checked(ai, value, 0, value_at=0) for ai, value in pairs])
        message = message_of("element_string", raws, today)
    except Fault as fault:
        raise _refused(fault, field) from None
    if not message.elements:
        raise NotGs1(field, "", "there are none", fault="empty", advice="Give at least one.")
    if complete and message.findings:
        first = message.findings[0]
        value = next(one.value for one in message.elements if one.ai == first.ai)
        advice = "Add what is missing, or leave the element out."
        raise NotGs1(field, value, first.text, fault="pair", advice=advice, ai=first.ai)
    return message.elements


def arrange(elements: Iterable[Element]) -> tuple[Element, ...]:
    """In the order that makes the shortest symbol: keys of fixed length, all else of fixed length, then the others, as
    separators are needed only between those.
    """
    return tuple(sorted(elements, key=lambda one: (not IDENTIFIERS[one.ai].fixed, not IDENTIFIERS[one.ai].key)))


def element_string(elements: Sequence[Element], *, fnc1: str = SEPARATOR, leading: bool = False) -> str:
    """The data of a GS1-128, DataMatrix or QR symbol: a separator after each element that does not end by itself, but
    for the last.

    Args:
        elements: from `elements_of`.
        fnc1: what the symbol's maker takes for FNC1.
        leading: with FNC1 in front, where the maker does not put it there itself.
    """
    made = [fnc1] if leading else []
    for place, one in enumerate(elements):
        made.append(one.ai + one.value)
        if not IDENTIFIERS[one.ai].fixed and place < len(elements) - 1:
            made.append(fnc1)
    return "".join(made)


def bracketed(elements: Iterable[Element]) -> str:
    """The text that people read beside the bars: each identifier in brackets before its value."""
    return "".join(f"({one.ai}){_READ_AS_IDENTIFIER.sub(_escaped, one.value)}" for one in elements)


def digital_link(elements: Sequence[Element], stem: str = "https://id.gs1.org") -> str:
    """The elements as a web address for a QR code.

    Args:
        elements: from `elements_of`; one of them is a key.
        stem: the domain, and a path if one likes.

    Raises:
        NotGs1: no key, or an element that links can't carry.
    """
    try:
        return write_link(stem, [(one.ai, one.value) for one in elements])
    except Fault as fault:
        raise _refused(fault, "elements") from None


def _escaped(_: re.Match[str]) -> str:
    return "\\("


def _refused(fault: Fault, field: str) -> NotGs1:
    facts = {} if fault.expected is None else {"expected": fault.expected}
    reason = fault.reason if fault.ai is None else f"({fault.ai}) {fault.value or ''!a}: {fault.reason}"
    advice = fault.advice or "Correct the value."
    return NotGs1(
        field, fault.value or "", reason, fault=fault.kind, advice=advice, ai=fault.ai, position=fault.at + 1, **facts
    )
