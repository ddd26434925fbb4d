"""What one scan says: a plain code, or GS1 element strings (GTIN, lot, expiry, serial, count, weight).

Scanners differ in what they send before and between: an AIM symbology identifier (`]C1`, `]d2`, `]Q3`), a leading FNC1
as U+001D, both, or neither. All of them are read. Source: GS1 General Specifications, 3 (AIs) and 7.8 (transmission).
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from biip import ParseError
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementString
from biip.gs1_messages import GS1Message

from perpetua.items.errors import NotScannable
from perpetua.items.rules.barcodes import normalise_barcode
from perpetua.items.types import BarcodeKind, ScanReading
from perpetua.kit.errors import InvalidValue

__all__ = ["MAX_SCAN", "read_scan"]

MAX_SCAN = 1000
GROUP_SEPARATOR = "\x1d"
POUND_KG = Decimal("0.45359237")
_GS1_SYMBOLS = ("]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1")
_EAN_SYMBOLS = ("]E0", "]E1", "]E2", "]E3", "]E4")
_SYMBOL = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_UNPRINTABLE = re.compile(r"[\x00-\x1c\x1e\x1f\x7f-\x9f\ud800-\udfff]")


def read_scan(raw: str, field: str = "code") -> ScanReading:
    """What a scanner, or a person at a keyboard, sent.

    Raises:
        NotScannable: empty, too long, with control characters, or announced as GS1 and not readable as such.
        WrongCheckDigit: a GTIN inside GS1 data, or announced as EAN, with the wrong check digit.
    """
    # Not plain strip(): Python takes U+001D for white space, and it separates here.
    sent = raw.strip(" \t\r\n")
    if not sent.strip():
        raise NotScannable(field, raw, "is empty")
    if len(sent) > MAX_SCAN:
        raise NotScannable(field, raw, f"is too long; at most {MAX_SCAN} characters")
    if _UNPRINTABLE.search(sent):
        raise NotScannable(field, ascii(sent), "has control characters that no barcode has")
    symbol = found[0] if (found := _SYMBOL.match(sent)) else ""
    body = sent[len(symbol) :].strip(" ")
    if not body.strip():
        raise NotScannable(field, raw, "holds nothing after its symbology identifier")
    if symbol in _GS1_SYMBOLS or GROUP_SEPARATOR in body:
        return _gs1(body, raw, field)
    if symbol in _EAN_SYMBOLS:
        return _ean(symbol, body, raw, field)
    return _maybe_gs1(body, raw) or _plain(body, raw)


def _ean(symbol: str, body: str, raw: str, field: str) -> ScanReading:
    """A retail code: the scanner says which, so eight digits are not in doubt; an add-on is dropped."""
    kind: BarcodeKind | None = None
    if symbol == "]E4":
        kind = "ean8"
    elif len(body) == 8:
        kind = "upce"
    elif symbol == "]E3":
        body = body[:13]
    code = normalise_barcode(body, kind, field=field).code
    return ScanReading(raw=raw, codes=[code], gtin=code)


def _plain(body: str, raw: str) -> ScanReading:
    """A code without any announcement; eight digits may be an EAN-8 or a UPC-E, and both are looked up."""
    codes: list[str] = []
    gtin: str | None = None
    kinds: tuple[BarcodeKind | None, ...] = (None, "upce") if len(body) == 8 else (None,)
    for kind in kinds:
        try:
            barcode = normalise_barcode(body, kind)
        except InvalidValue:
            continue  # perhaps a number of the company's own: looked up as it is
        codes.append(barcode.code)
        if barcode.kind not in ("code128", "qr", "internal"):
            gtin = gtin or barcode.code
    return ScanReading(raw=raw, codes=list(dict.fromkeys([*codes, body])), gtin=gtin)


def _maybe_gs1(body: str, raw: str) -> ScanReading | None:
    """GS1 data that came without announcement: in brackets, as a link, or beginning with a whole GTIN or SSCC."""
    read: Callable[[str], list[GS1ElementString]]
    if body.startswith("("):
        read = lambda text: list(GS1Message.parse_hri(text).element_strings)  # noqa: E731
    elif re.match(r"https?://", body, re.IGNORECASE):
        read = lambda text: list(GS1DigitalLinkURI.parse(text).element_strings)  # noqa: E731
    elif re.match(r"(01|02)[0-9]{14}|00[0-9]{18}$", body, re.ASCII):
        read = lambda text: list(GS1Message.parse(text).element_strings)  # noqa: E731
    else:
        return None
    try:
        elements = read(body)
    except (ParseError, ValueError):
        return None
    if not elements or any(one.gtin_error or one.sscc_error for one in elements):
        return None
    reading = _reading(elements, raw)
    return reading if reading.gtin or reading.sscc else None


def _gs1(body: str, raw: str, field: str) -> ScanReading:
    message = body.strip(GROUP_SEPARATOR)
    try:
        elements = list(GS1Message.parse(message).element_strings)
    except (ParseError, ValueError) as error:
        raise NotScannable(field, ascii(raw), f"is not readable as GS1 data: {error}") from None
    for element in elements:
        if element.gtin_error:
            normalise_barcode(element.value, "gtin14", field=field)
        if element.sscc_error:
            raise NotScannable(field, ascii(raw), f"its SSCC is wrong: {element.sscc_error}")
    if not elements:
        raise NotScannable(field, ascii(raw), "holds no GS1 data")
    return _reading(elements, raw)


def _reading(elements: list[GS1ElementString], raw: str) -> ScanReading:
    held: dict[str, GS1ElementString] = {}
    for element in elements:
        held.setdefault(element.ai.ai, element)  # the first of two counts

    def text(ai: str) -> str | None:
        return held[ai].value if ai in held else None

    def day(ai: str) -> date | None:
        return held[ai].date if ai in held else None

    gtin, sscc = text("01") or text("02"), text("00")
    counted = text("30") or text("37")
    codes = [code for code in (gtin, sscc) if code]
    return ScanReading(
        raw=raw,
        codes=codes or [raw.strip()],
        gtin=gtin,
        sscc=sscc,
        lot=text("10"),
        serial=text("21"),
        expires_on=day("17"),
        best_before_on=day("15"),
        produced_on=day("11"),
        count=Decimal(counted) if counted else None,
        weight_kg=_weight(held),
    )


def _weight(held: dict[str, GS1ElementString]) -> Decimal | None:
    """Net weight in kilograms, from AI 310n (kilograms) or 320n (pounds, exactly converted)."""
    for ai, element in held.items():
        if ai.startswith("310") and element.decimal is not None:
            return element.decimal
        if ai.startswith("320") and element.decimal is not None:
            return element.decimal * POUND_KG
    return None
