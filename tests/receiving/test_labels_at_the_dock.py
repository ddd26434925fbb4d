"""Pallets come in with one scan; what labels say of lots is kept, and counts at once."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from tests.allocation.helpers import make, order
from tests.allocation.helpers import now as order_now
from tests.receiving.helpers import close, line, on_hand, open_for, ordered, sound, take, undo

from perpetua.kit.database import Database, sql
from perpetua.kit.errors import Refusal
from perpetua.plates import service as plates
from perpetua.receiving import service
from perpetua.receiving.types import ExpectLine, TakePlate

D = Decimal


async def test_a_pallet_comes_in_with_one_scan(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "KEG")
    sscc, other = "106141412345678908", "003456789012345675"
    announced = [
        ExpectLine(sku="KEG", quantity=D(40), plate=sscc),
        ExpectLine(sku="MILK", quantity=D(6), plate=sscc, lot="ON-PALLET", expires_on=date(2099, 1, 1)),
        ExpectLine(sku="PEAR", quantity=D(5), plate=other),
    ]
    receipt = await open_for(db, world, expected=announced)
    clerk = world.actor("warehouse_staff")
    taken = (await service.take_plate(db, clerk, receipt, TakePlate(plate=sscc))).answer
    assert [(one.sku, one.quantity, one.discrepancies) for one in taken.lines] == [("KEG", 40, []), ("MILK", 6, [])]
    async with db.transaction() as tx:
        plate = await plates.named(tx, [sscc])
        assert plate is not None
        detail = await plates.detail(tx, world.actor(), plate)
    assert (detail.location, [(one.sku, one.lot, one.quantity) for one in detail.goods]) == (
        "LON-DOCK", [("KEG", None, 40), ("MILK", "ON-PALLET", 6)],
    )  # fmt: skip
    for again, says in ((sscc, "is here already"), ("106141412345678809", "was not announced")):
        with pytest.raises(Refusal, match=says):
            await service.take_plate(db, clerk, receipt, TakePlate(plate=again))
    # A mistake in it is undone: the goods leave the pallet with the stock.
    await undo(db, world, receipt, 1)
    async with db.transaction() as tx:
        left = await plates.detail(tx, world.actor(), plate)
    assert [(one.sku, one.quantity) for one in left.goods] == [("MILK", 6)]
    # Scanned one by one, goods may stand on a pallet, too; but all at one place.
    await take(db, world, receipt, line("PEAR", 2), plate="TOTE-7")
    with pytest.raises(Refusal, match="would stand at LON-A-1, LON-DOCK"):
        await take(db, world, receipt, line("PEAR", 1), line("PEAR", 1, location="LON-A-1"), plate="TOTE-7")
    with pytest.raises(Refusal, match="stands at LON-DOCK"):
        await take(db, world, receipt, line("PEAR", 1, location="LON-A-1"), plate="TOTE-7")
    with pytest.raises(Refusal, match="is no SSCC"):
        await take(db, world, receipt, line("PEAR", 1), plate="106141412345678900")
    done = await close(db, world, receipt)
    assert sorted((one.kind, one.sku, one.quantity) for one in done.found) == [
        ("short", "KEG", 40), ("short", "PEAR", 3),
    ]  # fmt: skip
    await sound(db)


async def test_a_day_that_a_label_tells_late_moves_what_was_promised(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CHEESE", tracking="lot")
    receipt = await open_for(db, world)
    await take(db, world, receipt, line("CHEESE", 5, lot="C-1"))
    await take(db, world, receipt, line("CHEESE", 2, lot="C-2", expires_on=date(2099, 1, 1)))
    waiting = await order(db, world, ("CHEESE", 6))
    assert waiting.status == "ALLOCATED"
    # The next box of the first lot says that it is past its day: what was promised of it cannot be sent.
    await take(db, world, receipt, line("CHEESE", 1, lot="C-1", expires_on=date(2020, 1, 1)), accept=["expired"])
    after = await order_now(db, world, waiting)
    assert (after.status, after.lines[0].allocated) == ("PARTLY_ALLOCATED", 2)
    async with db.transaction() as tx:
        events = await tx.dicts(
            sql("""SELECT e.after, e.reference FROM lot_events e JOIN lots t ON t.id = e.lot_id
                   WHERE t.number = 'C-1' AND e.action = 'changed'""")
        )
    assert [one["after"] for one in events] == [{"expires_on": "2020-01-01"}]
    assert events[0]["reference"].startswith("R-")
    await sound(db)


async def test_what_a_label_says_of_a_lot_is_kept(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("MILK", 30))
    before = await on_hand(db, world, "MILK", "LON-DOCK")
    receipt = await open_for(db, world, buying)
    await take(db, world, receipt, line("MILK", 3, lot="M-NEW"))
    told = {"expires_on": date(2099, 1, 1), "manufactured_on": date(2026, 1, 1), "supplier_lot": "S77"}
    await take(db, world, receipt, line("MILK", 3, lot="M-NEW", **told))
    async with db.transaction() as tx:
        (lot,) = await tx.dicts(
            sql("SELECT expires_on, manufactured_on, supplier_lot, supplier FROM lots WHERE number = 'M-NEW'")
        )
    assert lot == {**told, "supplier": "ORCHARD"}
    with pytest.raises(Refusal, match="its expiry is recorded as 2099-01-01, and 2098-01-01 was told"):
        await take(db, world, receipt, line("MILK", 3, lot="M-NEW", expires_on=date(2098, 1, 1)))
    assert await on_hand(db, world, "MILK", "LON-DOCK") == before + 6
