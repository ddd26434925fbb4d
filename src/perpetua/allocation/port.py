"""What allocation asks of those above it: which goods are to come."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from perpetua.kit.database import Tx

__all__ = ["Expected", "Supply", "expected", "known", "supplied_by"]


class Expected(NamedTuple):
    """So much of a variant is to come to a site on a day."""

    variant_id: int
    site_id: int
    on: date
    quantity: Decimal


class Supply(Protocol):
    """Knows what was ordered of vendors, or is on its way, and has not come."""

    async def expected(self, tx: Tx, variant_ids: Sequence[int]) -> Sequence[Expected]:
        """What is to come of these variants; one statement, whatever their number."""
        ...


_supplies: Final[list[Supply]] = []


def supplied_by(supply: Supply) -> None:
    """From now on, ask this one too."""
    _supplies.append(supply)


def known() -> bool:
    """Whether anybody knows what is to come."""
    return bool(_supplies)


async def expected(tx: Tx, variant_ids: Sequence[int]) -> list[Expected]:
    """What is to come of these variants, the earliest first; nothing where nobody knows."""
    found = [one for supply in _supplies for one in await supply.expected(tx, variant_ids)] if variant_ids else []
    return sorted(found, key=lambda one: (one.on, one.variant_id, one.site_id))
