"""What one scan says: a plain code, or GS1 data (GTIN, lot, expiry, serial, count, weight).

Scanners differ in what they send before and between: an AIM symbology identifier (`]C1`, `]d2`, `]Q3`), a leading FNC1
as U+001D, both, or neither. All of them are read. Source: GS1 General Specifications, 5.3 and 7.8 (transmission).
"""

import re
from datetime import date
from decimal import Decimal

from perpetua.gs1 import service as gs1
from perpetua.gs1.errors import NotGs1
from perpetua.gs1.types import Key, LabelData, Message
from perpetua.items.errors import NotScannable, WrongCheckDigit
from perpetua.items.rules.barcodes import normalise_barcode
from perpetua.items.types import BarcodeKind, ScanReading
from perpetua.kit.errors import InvalidValue

__all__ = ["MAX_SCAN", "read_scan"]

MAX_SCAN = 1000
GROUP_SEPARATOR = "\x1d"
POUND_KG = Decimal("0.45359237")
_EAN_SYMBOLS = ("]E0", "]E1", "]E2", "]E3", "]E4")
_SYMBOL = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_UNPRINTABLE = re.compile(r"[\x00-\x1c\x1e\x1f\x7f-\x9f\ud800-\udfff]")


def read_scan(raw: str, field: str = "code", *, today: date) -> ScanReading:
    """What a scanner, or a person at a keyboard, sent; `today` decides the century of years written with two digits.

    Raises:
        NotScannable: empty, too long, with control characters, or announced as GS1 and not readable so: says where.
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
    trouble: NotGs1 | None = None
    if gs1.looks_like_gs1(sent):
        announced = symbol in gs1.GS1_SYMBOLS or GROUP_SEPARATOR in body
        try:
            reading = _reading(gs1.parse(raw, today=today, field=field), raw)
        except NotGs1 as refused:
            if announced:
                raise _refused(refused, field) from None
            trouble = refused  # perhaps a code of the company's own that only looks like it
        else:
            if announced or reading.gtin or reading.sscc:
                return reading
    if symbol in _EAN_SYMBOLS:
        return _ean(symbol, body, raw, field)
    return _plain(body, raw, trouble)


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


def _plain(body: str, raw: str, trouble: NotGs1 | None) -> ScanReading:
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
    not_gs1 = None if trouble is None else trouble.detail
    return ScanReading(raw=raw, codes=list(dict.fromkeys([*codes, body])), gtin=gtin, not_gs1=not_gs1)


def _reading(message: Message, raw: str) -> ScanReading:
    label = gs1.label_data(message.elements)
    codes = [code for code in (label.gtin, label.sscc) if code]
    codes = codes or [one.meaning.number for one in message.elements if isinstance(one.meaning, Key)]
    return ScanReading(
        raw=raw,
        codes=codes or [raw.strip()],
        gtin=label.gtin,
        sscc=label.sscc,
        lot=label.lot,
        serial=label.serial,
        expires_on=label.expires_on,
        best_before_on=label.best_before_on,
        produced_on=label.produced_on,
        count=None if label.count is None else Decimal(label.count),
        weight_kg=_weight(label),
        gs1=message,
    )


def _weight(label: LabelData) -> Decimal | None:
    """Net weight in kilograms, pounds exactly converted."""
    if label.net is None or label.net.unit not in ("kg", "lb"):
        return None
    return label.net.quantity * (POUND_KG if label.net.unit == "lb" else 1)


def _refused(refused: NotGs1, field: str) -> InvalidValue:
    facts = {name: refused.facts[name] for name in ("ai", "position", "fault", "advice")}
    value = refused.facts["value"]
    reason = f"character {facts['position']}: {refused.facts['reason']}. {facts['advice']}"
    if facts["fault"] == "check_digit" and "expected" in refused.facts:
        return WrongCheckDigit(field, value, reason, expected=int(refused.facts["expected"]), **facts)
    return NotScannable(field, value, reason, **facts)
