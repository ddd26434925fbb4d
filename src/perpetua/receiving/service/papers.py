"""The receiving list: what is to come in at the dock, on paper, to be counted and written on."""

from typing import Any

from perpetua.access.types import Actor
from perpetua.kit import typeset
from perpetua.kit.database import Database
from perpetua.kit.quantity import plain_text
from perpetua.kit.typeset import Letterhead
from perpetua.receiving.service.reading import receipt
from perpetua.receiving.types import ExpectedLine, Receipt

__all__ = ["receiving_list"]


async def receiving_list(
    db: Database, actor: Actor, receipt_id: int, letterhead: Letterhead, *, blind: bool = False
) -> bytes:
    """The list as PDF; the same receipt gives the same bytes. `blind`: without quantities, so that people count.

    Raises:
        Missing: there is no such receipt, or not at one of the actor's sites.
    """
    actor.require("purchasing.read")
    async with db.snapshot() as tx:
        of = await receipt(tx, actor, receipt_id)
    return await typeset.paper("receiving_list", _data(of, blind), letterhead=letterhead, dated=of.created_at)


def _data(of: Receipt, blind: bool) -> dict[str, Any]:
    return {
        "number": of.number,
        "supplier": {"name": of.supplier_name or "Not told", "lines": [of.supplier] if of.supplier else []},
        "site": {"name": of.site, "lines": [of.location]},
        "facts": [
            ["Orders", ", ".join(of.orders)], ["Delivery note", of.reference], ["Carrier", of.carrier],
            ["Opened", f"{of.created_at:%Y-%m-%d %H:%M} UTC"],
        ],
        "blind": blind,
        "lines": [_line(line, of.location) for line in of.expected],
        "note": of.note,
    }  # fmt: skip


def _line(line: ExpectedLine, place: str) -> dict[str, Any]:
    return {
        "line_no": line.line_no, "order": line.order or "", "sku": line.sku, "supplier_sku": line.supplier_sku or "",
        "name": line.name, "expected": plain_text(line.expected), "unit": line.unit, "tracking": line.tracking,
        "place": place,
    }  # fmt: skip
