"""Codes as scanners and people send them: element strings, brackets, links; whatever announces them.

Source: GS1 General Specifications, 7.8 (element strings), 4.14 (text beside the bars), 5.3 (symbology identifiers).
"""

import re
from collections.abc import Sequence
from datetime import date
from itertools import takewhile
from typing import Any, Final

from perpetua.gs1.errors import NotGs1
from perpetua.gs1.rules.digits import check_digit
from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.rules.identifiers import IDENTIFIERS
from perpetua.gs1.rules.links import IS_LINK, read_link
from perpetua.gs1.rules.meanings import meaning_of
from perpetua.gs1.rules.pairing import findings
from perpetua.gs1.rules.raw import SEPARATOR, Raw, checked, known, strict, without_repeats
from perpetua.gs1.rules.splitting import cuts_well, evidence, plausible, possible
from perpetua.gs1.types import Element, Form, Message, Reading

__all__ = ["GS1_SYMBOLS", "LONGEST", "looks_like_gs1", "message_of", "parse"]

LONGEST: Final = 4000
MOST_SHOWN: Final = 10
GS1_SYMBOLS: Final = frozenset({"]C1", "]e0", "]e1", "]e2", "]d2", "]d8", "]Q3", "]J1"})
"""Symbols that carry element strings: GS1-128, DataBar and composite, DataMatrix (square, rectangular), QR, DotCode."""
_GTIN_SYMBOLS: Final = frozenset({"]E0", "]E4", "]I1"})
"""EAN-13 and UPC, EAN-8, ITF-14: a GTIN without identifier."""
_SYMBOL: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]", re.ASCII)
_SEPARATORS: Final = re.compile(r"\x1d|␝|\{GS\}|<GS>|\^\]|\^", re.IGNORECASE)
"""How scanners write FNC1 where they can't send it; none of the signs can stand in GS1 data, but for <GS>."""
_BRACKET: Final = re.compile(r"(?<!\\)\((\d{2,4})\)", re.ASCII)
_OPENS: Final = re.compile(r"\(\d+\)", re.ASCII)
_BLANK: Final = " \t\r\n"


def parse(text: str, *, today: date, field: str = "code") -> Message:
    """What a GS1 code says.

    Args:
        text: as it was sent or typed. With or without symbology identifier, leading FNC1 and separators (U+001D, or
            what scanners write for it: ␝ {GS} <GS> ^] ^); or in brackets; or a link.
        today: decides the century of years written with two digits.
        field: how the refusal calls it.

    Raises:
        NotGs1: says where, in which identifier, what is wrong and what to do.
    """
    try:
        return _parse(text, today)
    except Fault as fault:
        facts: dict[str, Any] = {"ai": fault.ai, "position": fault.at + 1}
        if fault.expected is not None:
            facts["expected"] = fault.expected
        value = text if fault.value is None else fault.value
        reason = (
            fault.reason if fault.ai is None or fault.value is None else f"({fault.ai}) {_shown(value)}: {fault.reason}"
        )
        advice = fault.advice or "Scan it again; a damaged label is replaced."
        raise NotGs1(field, _shown(value), reason, fault=fault.kind, advice=advice, **facts) from None


def looks_like_gs1(text: str) -> bool:
    """Whether a code that may also be something else is meant as GS1 data: it is announced, has separators or brackets,
    is a link, or begins with a GTIN or SSCC whose check digit is right.
    """
    sent = text.strip(_BLANK)
    if sent[:3] in GS1_SYMBOLS or SEPARATOR in sent:
        return True
    body = _SYMBOL.sub("", sent, count=1) if _SYMBOL.match(sent) else sent
    if IS_LINK.match(body):
        return True
    if opened := _OPENS.match(body):
        return opened[0][1:-1] in IDENTIFIERS
    found = re.match(r"(?:0[123])(\d{14})|00(\d{18})", body, re.ASCII)
    digits = (found[1] or found[2]) if found else ""
    return bool(digits) and check_digit(digits[:-1]) == int(digits[-1])


def _parse(text: str, today: date) -> Message:
    if len(text) > LONGEST:
        raise Fault(
            f"is too long; at most {LONGEST} characters", "too_long", LONGEST, advice="Scan one code at a time."
        )
    start = len(text) - len(text.lstrip(_BLANK))
    sent = text.strip(_BLANK)
    symbol = found[0] if (found := _SYMBOL.match(sent)) else None
    start += len(symbol or "")
    body = sent[len(symbol or "") :]
    if not body.strip(_BLANK + SEPARATOR):
        raise Fault("holds nothing", "empty", min(start, len(text)))
    if IS_LINK.match(body):
        stem, raws = read_link(body, start)
        return message_of("digital_link", raws, today, symbology=symbol, link=stem)
    if _OPENS.match(body):
        return message_of("bracketed", _brackets(body, start), today, symbology=symbol)
    if symbol in _GTIN_SYMBOLS and body.isascii() and body.isdigit() and len(body) in (8, 12, 13, 14):
        return message_of("plain", [checked("01", body.zfill(14), start, value_at=start)], today, symbology=symbol)
    plain, places = _plain(body, start)
    try:
        return _element_string(plain, places, today, symbol)
    except Fault as fault:
        fault.at = places[min(fault.at, len(places) - 1)]
        raise


def message_of(form: Form, raws: Sequence[Raw], today: date, **more: Any) -> Message:
    """The message of elements that are sure."""
    elements = _elements(raws, today)
    return Message(form=form, elements=elements, findings=tuple(findings([one.ai for one in elements])), **more)


def _elements(raws: Sequence[Raw], today: date, places: Sequence[int] | None = None) -> tuple[Element, ...]:
    made: list[Element] = []
    for ai, value, at in raws:
        identifier = IDENTIFIERS[ai]
        try:
            meaning = meaning_of(identifier, value, today)
        except Fault as fault:
            raise Fault(fault.reason, fault.kind, at, advice=fault.advice, ai=ai, value=value) from None
        position = (at if places is None else places[at]) + 1
        made.append(Element(ai=ai, title=identifier.title, value=value, meaning=meaning, position=position))
    return tuple(made)


def _plain(body: str, start: int) -> tuple[str, list[int]]:
    """The body with U+001D for all that means a separator, and where each of its characters stood."""
    signs: list[str] = []
    places: list[int] = []
    at = 0
    for found in _SEPARATORS.finditer(body):
        signs += [*body[at : found.start()], SEPARATOR]
        places += [*range(at, found.start()), found.start()]
        at = found.end()
    signs += body[at:]
    places += range(at, len(body) + 1)  # one more: where something is missing at the end
    return "".join(signs), [start + place for place in places]


def _brackets(body: str, start: int) -> list[Raw]:
    opened = [found for found in _BRACKET.finditer(body) if found.start() == 0 or found[1] in IDENTIFIERS]
    if not opened:
        raise Fault("an application identifier has 2 to 4 digits", "unknown_ai", start)
    ends = [*(found.start() for found in opened[1:]), len(body)]
    raws: list[Raw] = []
    for found, end in zip(opened, ends, strict=True):
        begins = found.end()
        value = body[begins:end].strip(_BLANK + SEPARATOR).replace("\\(", "(")
        known(found[1], start + found.start())
        raws.append(checked(found[1], value, start + found.start(), value_at=start + begins))
    return without_repeats(raws)


def _element_string(body: str, places: Sequence[int], today: date, symbol: str | None) -> Message:
    standard: list[Raw] | None = None
    trouble: Fault | None = None
    try:
        standard = strict(body)
    except Fault as fault:
        trouble = fault
    inner = SEPARATOR in body.strip(SEPARATOR)
    if trouble is not None and inner:
        raise trouble
    if standard is not None and (symbol in GS1_SYMBOLS or SEPARATOR in body or _ends_itself(standard)):
        return _message(symbol, _elements(standard, today, places))
    skipped = len(body) - len(body.lstrip(SEPARATOR))
    found, complete = possible(body.strip(SEPARATOR))
    ways = [tuple(one._replace(at=one.at + skipped) for one in way) for way in plausible(found)]
    if standard is None:
        if not ways or (len(ways) == 1 and any(one.ai[0] == "9" for one in ways[0])):
            raise trouble or Fault("holds nothing", "empty")  # internal identifiers (90 to 99) hold whatever follows
        if len(ways) == 1 and complete:
            return _message(symbol, _elements(ways[0], today, places), separators_lost=True)
        return _ambiguous(ways, complete, places, today, symbol, lost=True)
    others = [way for way in ways if way != tuple(standard)]
    numeric = IDENTIFIERS[standard[-1].ai].parts[-1].kind == "N" and len(standard[-1].value) > 4
    serious = others if numeric else [way for way in others if evidence(way, standard) or cuts_well(way, standard[-1])]
    if serious:
        return _ambiguous([tuple(standard), *serious], complete, places, today, symbol)
    return _message(symbol, _elements(standard, today, places), readings=_readings(others, today, places))


def _ends_itself(raws: Sequence[Raw]) -> bool:
    """No element could end elsewhere."""
    return all(IDENTIFIERS[one.ai].least == IDENTIFIERS[one.ai].most for one in raws)


def _ambiguous(
    ways: list[tuple[Raw, ...]],
    complete: bool,
    places: Sequence[int],
    today: date,
    symbol: str | None,
    *,
    lost: bool = False,
) -> Message:
    """What all ways share; where not all are known, only what stands before the first choice."""
    shared = [one for one in ways[0] if all(one in way for way in ways)]
    if not complete:
        shared = list(takewhile(lambda one: _ends_itself([one]), shared))
    return Message(
        form="element_string",
        symbology=symbol,
        elements=_elements(shared, today, places),
        ambiguous=True,
        separators_lost=lost,
        readings=_readings(ways, today, places),
    )


def _readings(ways: Sequence[tuple[Raw, ...]], today: date, places: Sequence[int]) -> tuple[Reading, ...]:
    made: list[Reading] = []
    for way in ways[:MOST_SHOWN]:
        try:
            made.append(Reading(elements=_elements(way, today, places)))
        except Fault:
            continue  # a day that this century does not have: not meant so
    return tuple(made)


def _message(symbol: str | None, elements: tuple[Element, ...], **more: Any) -> Message:
    wrong = tuple(findings([one.ai for one in elements]))
    return Message(form="element_string", symbology=symbol, elements=elements, findings=wrong, **more)


def _shown(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
