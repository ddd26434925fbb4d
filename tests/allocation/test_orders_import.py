"""Orders from files: whole or not at all, wherever their rows stand."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.allocation.test_life import bring, sound

from perpetua.allocation import service
from perpetua.allocation.imports import ORDERS, OrdersKind
from perpetua.kit import imports
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import NotAllowed, Refusal
from perpetua.kit.imports import Import, ImportOptions, Source
from perpetua.kit.listing import PageRequest
from perpetua.orders.types import OrderFilters, ShipLine, ShipOrder


class Small(OrdersKind):
    """The same, three rows to a transaction."""

    chunk_rows = 3


async def load(
    db: Database, world: SimpleNamespace, folder: Path, text: str, *, kind: Any = ORDERS, **options: Any
) -> Import:
    path = folder / "orders.csv"
    path.write_text(text)
    return await imports.begin(db, world.actor(), kind, [Source(path, "orders.csv")], ImportOptions(**options))


async def bad(db: Database, done: Import) -> list[tuple[int, str | None, str]]:
    page = await imports.errors_of(db, done.id, PageRequest(limit=1000))
    return sorted((row.line, row.field, row.code) for row in page.items)


async def there(db: Database, world: SimpleNamespace, channel: str) -> dict[str, tuple[str, list[tuple[str, int]]]]:
    """The channel's orders by external id: status, and SKU and quantity of each line."""
    page = await service.list_orders(db, world.actor(), OrderFilters(channel=channel), PageRequest(limit=1000))
    found = [await service.get(db, world.actor(), row.id) for row in page.items]
    return {one.external_id: (one.status, [(line.sku, int(line.quantity)) for line in one.lines]) for one in found}


HEAD = "Channel,Order no,SKU,Qty,Fulfilment,Order date,Shipping country,Email\n"


@pytest.mark.parametrize("kind", [ORDERS, Small()], ids=["together", "in chunks"])
async def test_rows_of_an_order_may_stand_anywhere(
    db: Database, world: SimpleNamespace, tmp_path: Path, kind: Any
) -> None:
    channel = f"file{kind.chunk_rows}"
    await bring(db, world, "APPLE", 10)
    text = HEAD + (
        f"{channel},A1,apple,2,,2026-10-02 14:05,gb,ada@example.com\n"
        f"{channel},A2,PEAR,1,complete,2026-10-03,,\n"
        f"{channel},A1,APPLE,3,,,,\n"
        f"{channel},A3,APPLE,1,,,,\n"
        f"{channel},A2,APPLE,4,,,,\n"
        f"{channel},A4,NOTHING,1,,,,\n"
        f"{channel},A1,FLOUR,1.5,,,,\n"
        f"{channel},A4,APPLE,1,,,,\n"
    )
    tried = await load(db, world, tmp_path, text, kind=kind, dry_run=True)
    assert (tried.state, tried.summary["orders_taken"]) == ("checked", 3)
    assert await there(db, world, channel) == {}
    done = await load(db, world, tmp_path, text, kind=kind)
    assert (done.rows_good, done.rows_bad) == (6, 2)
    expected = [(7, "sku", "unknown_item"), (9, None, "order_refused")]
    assert await bad(db, done) == await bad(db, tried) == expected
    assert done.summary["orders_taken"] == 3
    assert {name: lines for name, (_, lines) in (await there(db, world, channel)).items()} == {
        "A1": [("APPLE", 2), ("APPLE", 3), ("FLOUR", 1)],
        "A2": [("PEAR", 1), ("APPLE", 4)],
        "A3": [("APPLE", 1)],
    }
    page = await service.list_orders(db, world.actor(), OrderFilters(channel=channel), PageRequest())
    if kind is ORDERS:  # who stands first is first in turn
        assert [row.external_id for row in page.items] == ["A3", "A2", "A1"]
    page = await service.list_orders(db, world.actor(), OrderFilters(external_id="A1"), PageRequest())
    one = await service.get(db, world.actor(), page.items[0].id)
    assert (one.ship_to.country, one.placed_at.isoformat()) == ("GB", "2026-10-02T14:05:00+00:00")
    assert one.contact.email == "ada@example.com"  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
    again = await load(db, world, tmp_path, text, kind=kind)
    assert (again.summary.get("orders_taken", 0), again.summary["orders_known"]) == (0, 3)
    await sound(db)


async def test_what_is_bad_takes_its_order_along(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    text = "channel,external_id,sku,quantity,tier,min_life_days,placed_at\n" + (
        "bad,B1,APPLE,0,,,\n"  # 2
        "bad,B1,APPLE,1,,,\n"
        "bad,B2,APPLE,x,,,\n"  # 4
        "bad,B3,APPLE,1e400,,,\n"
        "bad,B4,APPLE,1,gold,,\n"  # 6
        "bad,B5,APPLE,1,,7,\n"
        "bad,B5,APPLE,1,,8,\n"  # 8
        "bad,B6,,1,,,\n"
        "bad,B7,APPLE,1,,,yesterday\n"  # 10
        "bad,B8,APPLE,1.5,,,\n"
        "bad,GOOD,APPLE,1,,,\n"  # 12
        "bad,B9,APPLE,1,,,\n"
        "bad,,APPLE,1,,,\n"  # 14: whose is it?
        "bad,B10,APPLE,1,,,\n"
        "bad,GOOD2,APPLE,1,,,\n"  # 16
        "bad,B11,APPLE,1,,,\n"
        "bad,B11,APPLE,1,,,,x,y\n"  # 18: ragged
        "bad,B12,APPLE,1,,,\n"
        "bad,GOOD3,APPLE,1,,,\n"
    )
    done = await load(db, world, tmp_path, text)
    assert await bad(db, done) == [
        (2, "quantity", "invalid_value"),
        (3, None, "order_refused"),
        (4, "quantity", "invalid_value"),
        (5, "quantity", "invalid_value"),
        (6, "tier", "invalid_value"),
        (7, None, "order_refused"),
        (8, "min_life_days", "differs"),
        (9, "sku", "invalid_value"),
        (10, "placed_at", "invalid_value"),
        (11, "quantity", "invalid_value"),
        (13, None, "order_in_doubt"),
        (14, "external_id", "missing_value"),
        (15, None, "order_in_doubt"),
        (17, None, "order_in_doubt"),
        (18, None, "ragged"),
        (19, None, "order_in_doubt"),
    ]
    assert sorted(await there(db, world, "bad")) == ["GOOD", "GOOD2", "GOOD3"]
    with pytest.raises(Refusal, match="no column tells it"):
        await load(db, world, tmp_path, "sku,quantity\nAPPLE,1\n")


async def test_it_goes_on_where_it_was_cut_off(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    text = "channel,external_id,sku,quantity\n" + "".join(
        f"cut,C{n % 7},APPLE,{1 + n}\n" for n in range(20)
    )  # every order is spread over all chunks

    class CutOff(Small):
        async def apply(self, tx: Any, actor: Any, run: Any, chunk: Any) -> Any:
            if chunk.first == 15:
                raise ConnectionError("cut off")
            return await super().apply(tx, actor, run, chunk)

    with pytest.raises(ConnectionError):
        await load(db, world, tmp_path, text, kind=CutOff())
    latest = (await imports.list_imports(db, PageRequest(limit=1))).items[0]
    assert (latest.state, latest.rows_done) == ("failed", 15)
    done = await imports.resume(db, world.actor(), Small(), latest.id)
    assert (done.state, done.rows_good, done.summary["orders_taken"]) == ("done", 20, 7)
    found = await there(db, world, "cut")
    assert sum(quantity for _, lines in found.values() for _, quantity in lines) == sum(range(1, 21))


async def test_undo_cancels_what_has_not_left(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    await bring(db, world, "PEAR", 10)
    text = "channel,external_id,sku,quantity\n" + "".join(f"undo,U{n},PEAR,3\n" for n in range(4))
    done = await load(db, world, tmp_path, text)
    assert done.summary["orders_allocated"] == 3
    found = {row.external_id: row.id for row in (
        await service.list_orders(db, world.actor(), OrderFilters(channel="undo"), PageRequest())
    ).items}  # fmt: skip
    await service.ship(db, world.actor(), found["U1"], ShipOrder(lines=[ShipLine(line_no=1, quantity=Decimal(1))]))
    back = await imports.undo(db, world.actor(), ORDERS, done.id)
    assert (back.state, back.summary["orders_cancelled"], back.summary["orders_kept"]) == ("undone", 3, 1)
    statuses = {name: status for name, (status, _) in (await there(db, world, "undo")).items()}
    assert statuses == {"U0": "CANCELLED", "U1": "PARTLY_SHIPPED", "U2": "CANCELLED", "U3": "CANCELLED"}
    async with db.transaction() as tx:
        free = "SELECT on_hand - allocated FROM inventory_positions WHERE variant_id = %(v)s AND site_id = %(s)s"
        left = await tx.value(sql(free), {"v": world.items["PEAR"], "s": world.places["LON"]})
    assert left == 7
    await sound(db)


async def test_only_those_who_may(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("external_id,sku,quantity,email\nX,APPLE,1,a@example.com\n")
    for role in ("viewer", "warehouse_staff", "purchasing_staff"):
        with pytest.raises(NotAllowed):
            await imports.begin(db, world.actor(role), ORDERS, [Source(path, "orders.csv")], ImportOptions())
