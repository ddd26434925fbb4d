"""How a charge is spread, exactly."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from perpetua.costing.types import SpreadCharge
from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import MONEY_PLACES, exact_money, plain

__all__ = ["MAX_NAMES", "check_charge", "check_text", "id_of", "in_company", "rate_of", "spread"]

MAX_NAMES: Final = 1_000
_NUMBER: Final = re.compile(r"(?i:(R|PO)-?)?0*([1-9]\d{0,17})", re.ASCII)


def spread(amount: Decimal, shares: Sequence[Decimal], places: int = MONEY_PLACES) -> list[Decimal]:
    """The amount divided in proportion, each part with so many decimals; they add up to it exactly.

    By the largest remainder (Hamilton's method): each part is rounded down, and what is left goes, a last decimal
    each, to those that lost most by that, the earlier first.

    Raises:
        InvalidValue: no share, one below nothing, or nothing in all.
    """
    whole = sum(shares)
    if not shares or min(shares) < 0 or not whole:
        raise InvalidValue("basis", len(shares), "gives nothing to spread by")
    sign = -1 if amount < 0 else 1
    total = int(abs(amount).scaleb(places))
    depth = max(0, *(-int(share.as_tuple().exponent) for share in shares))
    parts = [int(share.scaleb(depth)) for share in shares]
    over = sum(parts)
    floors = [total * part // over for part in parts]
    left = total - sum(floors)
    by_loss = sorted(range(len(parts)), key=lambda at: (-(total * parts[at] % over), at))
    for at in by_loss[:left]:
        floors[at] += 1
    return [plain(Decimal(sign * part).scaleb(-places)) for part in floors]


def in_company(amount: Decimal, rate: Decimal) -> Decimal:
    """The amount in the company's currency, to the last decimal of money."""
    return plain((amount * rate).quantize(Decimal(1).scaleb(-MONEY_PLACES), ROUND_HALF_UP))


def rate_of(given: Decimal | None, currency: str, ours: str, rates: dict[str, Decimal]) -> Decimal | None:
    """What one unit of the currency is worth in the company's; None: nobody says. Raises InvalidValue."""
    if currency == ours:
        if given is not None and given != 1:
            raise InvalidValue("exchange_rate", str(given), f"must be 1: the charge is in {ours}, as we count")
        return Decimal(1)
    if given is None:
        return rates.get(currency)
    if not given.is_finite() or not 0 < given < Decimal(10) ** 6 or round(given, 8) != given:
        raise InvalidValue("exchange_rate", str(given), "must be more than 0, with at most 8 decimals")
    return given


def id_of(field: str, number: str, letters: str) -> int:
    """The id in a number such as R-000123 (`letters` R). Raises InvalidValue."""
    found = _NUMBER.fullmatch(number.strip())
    if found is None or (found[1] or letters).upper() != letters:
        raise InvalidValue(field, number, f"is no such number; write it like {letters}-000123")
    return int(found[2])


def check_charge(charge: SpreadCharge) -> None:
    """Raises InvalidValue or TooLarge: what no charge can have, with its field."""
    if exact_money(charge.amount, "amount") <= 0 or charge.amount >= Decimal(10) ** 9:
        raise InvalidValue("amount", "(hidden)", "must be more than 0, and less than 1,000,000,000")
    if not 1970 <= charge.charged_on.year < 2200:
        raise InvalidValue("charged_on", charge.charged_on.isoformat(), "must lie between the years 1970 and 2199")
    for field, value, longest in (("reference", charge.reference, 200), ("note", charge.note, 2000)):
        if value is not None:
            check_text(field, value, longest)
    named = len(charge.receipts) + len(charge.purchase_orders) + len(charge.posting_ids)
    if not named:
        raise InvalidValue("receipts", "[]", "tells no goods: name receipts, purchase orders or postings")
    if named > MAX_NAMES:
        raise TooLarge(reason=f"A charge names at most {MAX_NAMES} receipts, orders and postings.", limit=MAX_NAMES)


def check_text(field: str, value: str, longest: int) -> None:
    """Raises InvalidValue: empty, too long, or with what cannot be printed."""
    printable = value.replace("\n", "").isprintable() if field == "note" else value.isprintable()
    if not 0 < len(value) <= longest or not printable or value != value.strip():
        raise InvalidValue(field, value, f"must have 1 to {longest} printable characters, no blanks at its ends")
