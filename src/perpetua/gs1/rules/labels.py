"""Between elements and the words of the warehouse: what a label says, and the elements that say it."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from perpetua.gs1.errors import NotGs1
from perpetua.gs1.rules.building import arrange, elements_of
from perpetua.gs1.rules.codes import CURRENCY_NUMBERS
from perpetua.gs1.rules.digits import whole_year
from perpetua.gs1.rules.meanings import UNITS
from perpetua.gs1.types import Amount, Count, Day, Element, Gtin, LabelData, Lot, Measure, Moment, Piece, Serial, Sscc

__all__ = ["label_data", "label_elements"]

_NET: Final = (
    "310", "311", "314", "315", "316", "320", "321", "322", "323", "350", "351", "352", "356", "357", "360", "361",
    "364", "365", "366",
)  # fmt: skip
_GROSS: Final = ("330", "340")
_DAYS: Final = {
    "17": "expires_on",
    "15": "best_before_on",
    "16": "sell_by_on",
    "11": "produced_on",
    "13": "packed_on",
}


def label_data(elements: Iterable[Element]) -> LabelData:
    """What elements say, in words of the warehouse; what has no word there is left out."""
    said: dict[str, object] = {}
    for one in elements:
        match one.meaning:
            case Sscc(sscc):
                said["sscc"] = sscc
            case Gtin(gtin, contained):
                if "gtin" not in said:
                    said["gtin"], said["contained"] = gtin, contained
            case Piece(gtin):
                said.setdefault("gtin", gtin)
            case Lot(lot):
                said["lot"] = lot
            case Serial(serial):
                said["serial"] = serial
            case Count(count):
                said["count"] = count
            case Day(on) if one.ai in _DAYS:
                said[_DAYS[one.ai]] = on
            case Moment(at) if one.ai == "7003":
                said.setdefault("expires_on", at.date())
            case Measure() as measure if one.ai[:3] in _NET:
                said.setdefault("net", measure)
            case Measure() as measure if one.ai[:3] in _GROSS:
                said.setdefault("gross", measure)
            case Amount() as amount if one.ai[:3] in ("392", "393"):
                said["price"] = amount
            case _:
                if one.ai in ("410", "400"):
                    said["ship_to" if one.ai == "410" else "order"] = one.value
    return LabelData(**said)  # pyright: ignore[reportArgumentType]


def label_elements(data: LabelData, *, today: date, complete: bool = True) -> tuple[Element, ...]:
    """The elements of a label, in the order that makes the shortest symbol. `complete` as in `elements_of`.

    Raises:
        NotGs1: a value that GS1 data can't hold, or a pair that the standard does not allow.
    """
    pairs: list[tuple[str, str]] = []
    plain = {
        "00": data.sscc,
        "02" if data.contained else "01": data.gtin,
        "10": data.lot,
        "21": data.serial,
        "410": data.ship_to,
        "400": data.order,
    }
    pairs += [(ai, value) for ai, value in plain.items() if value is not None]
    pairs += [(ai, _day(getattr(data, name), name, today)) for ai, name in _DAYS.items() if getattr(data, name)]
    if data.count is not None:
        pairs.append(("37" if data.contained else "30", str(data.count)))
    if data.net is not None:
        pairs.append(_measure(data.net, _NET, "net"))
    if data.gross is not None:
        pairs.append(_measure(data.gross, _GROSS, "gross"))
    if data.price is not None:
        pairs.append(_price(data.price))
    return arrange(elements_of(pairs, today=today, complete=complete, field="label"))


def _day(day: date, name: str, today: date) -> str:
    if whole_year(day.year % 100, today.year) != day.year:
        reason = "is too far away for a year of two digits: 49 years back to 50 ahead"
        raise NotGs1(name, day.isoformat(), reason, fault="date", advice="Correct the day.")
    return day.strftime("%y%m%d")


def _measure(measure: Measure, prefixes: tuple[str, ...], name: str) -> tuple[str, str]:
    prefix = next((prefix for prefix in prefixes if UNITS[prefix] == measure.unit), None)
    if prefix is None:
        known = ", ".join(dict.fromkeys(UNITS[prefix] for prefix in prefixes))
        reason = "labels don't know this unit here"
        raise NotGs1(name, measure.unit, reason, fault="unit", advice=f"Use one of {known}.")
    digits, decimals = _scaled(measure.quantity, 6, 5, name)
    return f"{prefix}{decimals}", digits.zfill(6)


def _price(price: Amount) -> tuple[str, str]:
    digits, decimals = _scaled(price.amount, 15, 9, "price")
    if price.currency is None:
        return f"392{decimals}", digits
    number = CURRENCY_NUMBERS.get(price.currency)
    if number is None:
        reason = "no currency has these letters (ISO 4217)"
        raise NotGs1("price", price.currency, reason, fault="code", advice="Use three letters, such as EUR.")
    return f"393{decimals}", number + digits


def _scaled(value: Decimal, most_digits: int, most_decimals: int, name: str) -> tuple[str, int]:
    """The digits of a number and how many of them are decimals, without rounding."""
    if value.is_finite() and value >= 0:
        exact = value.normalize()
        exponent = exact.as_tuple().exponent
        decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        whole = exact.scaleb(decimals)
        if decimals <= most_decimals and whole < 10**most_digits:
            return str(int(whole)), decimals
    reason = f"does not fit: at most {most_digits} digits, {most_decimals} of them decimals, not below 0"
    raise NotGs1(name, str(value), reason, fault="length", advice="Round it, or choose another unit.")
