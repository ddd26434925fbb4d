"""`perpetua lead-time`: how long suppliers took, what to expect of them, and how they did."""

from typing import Annotated

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.kit.listing import Page, PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types.lead_times import LeadTimeFilters

__all__ = ["app"]

app = App(name="lead-time", help="How long suppliers take: what was, what to expect, scorecards.")

_COLUMNS = {
    "id": "Id", "supplier": "Supplier", "sku": "SKU", "ordered_on": "Ordered", "due_on": "Due",
    "received_on": "Received",
    "actual_days": "Days", "late": "Late",
}  # fmt: skip
_EXPECTED = {
    "supplier": "Supplier", "sku": "SKU", "n": "n", "stated": "Stated", "observed": "Own mean", "expected": "Expected",
    "low": "From", "high": "To", "p90": "90 %", "late": "Late", "own": "Own weight",
}  # fmt: skip
_CARDS = {
    "supplier": "Supplier", "lines_due": "Due", "on_time_share": "On time", "fill_rate": "Filled",
    "discrepancies": "Discrepancies", "lead_time_mean_days": "Days", "price_change_since_first": "Prices",
}  # fmt: skip

Flag = Annotated[bool, Parameter(negative="")]


@app.command(name="list")
async def list_(
    *, supplier: str | None = None, sku: str | None = None, late: Flag = False, limit: int = 50,
    cursor: str | None = None,
) -> None:  # fmt: skip
    """List lead times that count, the latest written first.

    Args:
        supplier: of this one, by its code.
        sku: of this item.
        late: only those that came after their day.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = LeadTimeFilters(supplier=supplier, sku=sku, late=True if late else None)
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        page = await service.list_lead_times(db, common.actor(), filters, request)
    common.show_page(page, title="Lead times", columns=_COLUMNS)


@app.command
async def expected(
    *, supplier: str | None = None, sku: str | None = None, limit: int = 50, cursor: str | None = None
) -> None:
    """Tell what to expect of suppliers' items, and how sure that is.

    Args:
        supplier: of this one, by its code.
        sku: of this item.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        page = await service.list_lead_time_confidence(db, common.actor(), request, supplier=supplier, sku=sku)
    rows = [
        {
            "supplier": one.supplier, "sku": one.sku, "n": one.n, "stated": one.stated_days,
            "observed": one.observed and one.observed.mean_days, "expected": one.expected and one.expected.mean_days,
            "low": one.expected and one.expected.low_days, "high": one.expected and one.expected.high_days,
            "p90": one.expected and one.expected.quantiles.p90, "late": one.expected and one.expected.late_share,
            "own": one.expected and one.expected.own_weight,
        }
        for one in page.items
    ]  # fmt: skip
    common.show_page(Page(items=rows, next_cursor=page.next_cursor), title="Expected", columns=_EXPECTED)


@app.command
async def scorecards(*, days: int = 90, limit: int = 50, cursor: str | None = None) -> None:
    """Tell how suppliers did in the last days.

    Args:
        days: so many.
        limit: at most so many suppliers, up to 1000.
        cursor: what the page before told to go on with.
    """
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        page = await service.list_scorecards(db, common.actor(), request, days=min(max(days, 1), 1000))
    common.show_page(page, title=f"The last {days} days", columns=_CARDS)
