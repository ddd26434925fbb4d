"""GS1 data as values: identifiers, elements with their meaning, whole messages, and what labels are made of."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

__all__ = [
    "Amount", "Count", "Countries", "Day", "Element", "Finding", "Form", "Gtin", "Identifier", "Key", "LabelData",
    "Lot", "Meaning", "Measure", "Message", "Moment", "Part", "Percent", "Period", "Piece", "Place", "Reading",
    "Serial", "Sscc", "Temperature", "Text", "YesNo",
]  # fmt: skip

Form = Literal["element_string", "bracketed", "digital_link", "plain"]


class Part(msgspec.Struct, frozen=True):
    """A part of a value: N digits, X any of 82 characters, Y any of 39, Z base64 for links."""

    kind: Literal["N", "X", "Y", "Z"]
    least: int
    most: int
    checks: tuple[str, ...]
    optional: bool


class Identifier(msgspec.Struct, frozen=True):
    """An application identifier. `fixed`: of predefined length, no FNC1 follows it. `attribute`, `key`: in links.

    `requires`: for each rule, alternatives, each a group of patterns that must all be there. `qualifiers`: the
    sequences that may follow the key in a link.
    """

    ai: str
    title: str
    fixed: bool
    attribute: bool
    key: bool
    parts: tuple[Part, ...]
    requires: tuple[tuple[tuple[str, ...], ...], ...]
    excludes: tuple[str, ...]
    qualifiers: tuple[tuple[str, ...], ...]

    @property
    def least(self) -> int:
        """Characters that a value has at least."""
        return sum(part.least for part in self.parts if not part.optional)

    @property
    def most(self) -> int:
        """Characters that a value has at most."""
        return sum(part.most for part in self.parts)


class Gtin(msgspec.Struct, frozen=True, tag="gtin", tag_field="kind"):
    """A trade item, 14 digits; `contained`: the items inside a logistic unit (02)."""

    gtin: str
    contained: bool = False


class Sscc(msgspec.Struct, frozen=True, tag="sscc", tag_field="kind"):
    """A logistic unit, 18 digits."""

    sscc: str


class Key(msgspec.Struct, frozen=True, tag="key", tag_field="kind"):
    """Another GS1 key: a place or party (gln), an asset (grai, giai), a document (gdti), a coupon (gcn), a shipment
    (gsin), a consignment (ginc), a service relation (gsrn), a part (cpid), a model (gmn).
    """

    scheme: Literal["gln", "grai", "giai", "gdti", "gcn", "gsin", "ginc", "gsrn", "cpid", "gmn"]
    number: str
    serial: str | None = None


class Lot(msgspec.Struct, frozen=True, tag="lot", tag_field="kind"):
    """A batch or lot."""

    lot: str


class Serial(msgspec.Struct, frozen=True, tag="serial", tag_field="kind"):
    """A serial number of a trade item."""

    serial: str


class Day(msgspec.Struct, frozen=True, tag="day", tag_field="kind"):
    """A day: production, packaging, best before, expiry, …: the identifier says which."""

    on: date


class Moment(msgspec.Struct, frozen=True, tag="moment", tag_field="kind"):
    """A moment by the clock of the place where it was printed."""

    at: datetime


class Period(msgspec.Struct, frozen=True, tag="period", tag_field="kind"):
    """From one day to another, both in it."""

    first: date
    last: date


class Count(msgspec.Struct, frozen=True, tag="count", tag_field="kind"):
    """How many items."""

    count: int


class Measure(msgspec.Struct, frozen=True, tag="measure", tag_field="kind"):
    """A weight, length, area or volume, exact. `unit`: kg, lb, ozt, m, in, ft, yd, m2, in2, ft2, yd2, l, m3, floz, qt,
    gal, in3, ft3, yd3, kg/m2.
    """

    quantity: Decimal
    unit: str


class Amount(msgspec.Struct, frozen=True, tag="amount", tag_field="kind"):
    """Money; `currency` as three letters of ISO 4217, None where the code leaves it to the place (local currency)."""

    amount: Decimal
    currency: str | None = None


class Percent(msgspec.Struct, frozen=True, tag="percent", tag_field="kind"):
    """A discount in per cent."""

    percent: Decimal


class Temperature(msgspec.Struct, frozen=True, tag="temperature", tag_field="kind"):
    """A limit of temperature; unit C or F."""

    degrees: Decimal
    unit: Literal["C", "F"]


class Countries(msgspec.Struct, frozen=True, tag="countries", tag_field="kind"):
    """Countries by two letters of ISO 3166 ("999": several); `text` is what stands beside: a postal code, a number."""

    countries: tuple[str, ...]
    text: str | None = None


class Piece(msgspec.Struct, frozen=True, tag="piece", tag_field="kind"):
    """One piece of a trade item that comes in several."""

    gtin: str
    piece: int
    total: int


class Place(msgspec.Struct, frozen=True, tag="place", tag_field="kind"):
    """A point on earth, degrees with seven decimals; south and west are negative."""

    latitude: str
    longitude: str


class YesNo(msgspec.Struct, frozen=True, tag="yes_no", tag_field="kind"):
    """A statement that holds or not."""

    yes: bool


class Text(msgspec.Struct, frozen=True, tag="text", tag_field="kind"):
    """Anything else; percent signs are decoded where the standard encodes text so."""

    text: str


Meaning = (
    Gtin | Sscc | Key | Lot | Serial | Day | Moment | Period | Count | Measure | Amount | Percent | Temperature
    | Countries | Piece | Place | YesNo | Text
)  # fmt: skip


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier with its value. `position` is where it begins in the code as it was sent, from 1."""

    ai: str
    title: str
    value: str
    meaning: Meaning
    position: int = 1


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One way to read a code whose separators are lost."""

    elements: tuple[Element, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that the standard asks for or forbids, seen over one code: another on the same goods may complete it."""

    ai: str
    rule: Literal["requires", "excludes"]
    with_: tuple[str, ...] = msgspec.field(name="with")
    text: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a code says.

    `elements`: what is sure. `ambiguous`: separators may be lost, `readings` are possible (10 are shown), `elements` is
    only what all share. Not ambiguous, but with `readings`: read as the standard says, and this is how else it could be
    meant if the scanner dropped a separator. `separators_lost`: a separator is missing in any case.
    """

    form: Form
    elements: tuple[Element, ...]
    symbology: str | None = None
    ambiguous: bool = False
    separators_lost: bool = False
    readings: tuple[Reading, ...] = ()
    findings: tuple[Finding, ...] = ()
    link: str | None = None
    """For a link: what stands before the key, such as https://example.com/shop."""


class LabelData(msgspec.Struct, frozen=True, kw_only=True):
    """What a label is to say, or what the elements of a code say, in the warehouse's words. None: it doesn't say it."""

    sscc: str | None = None
    gtin: str | None = None
    contained: bool = False
    """`gtin` is what a logistic unit holds (02), not the item itself (01)."""
    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    best_before_on: date | None = None
    sell_by_on: date | None = None
    produced_on: date | None = None
    packed_on: date | None = None
    count: int | None = None
    """Contained items (37), or items of variable count (30)."""
    net: Measure | None = None
    """Net weight, length, area or volume of an item of variable measure."""
    gross: Measure | None = None
    """Gross weight."""
    price: Amount | None = None
    """Price of an item of variable measure."""
    ship_to: str | None = None
    """GLN of the place it goes to."""
    order: str | None = None
    """The customer's purchase order."""
