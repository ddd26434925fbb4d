"""Orders are taken: allocated, backordered or refused; one at a time, together, and again."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from perpetua.allocation import service
from perpetua.allocation.service import Request
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import Refusal
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine
from perpetua.orders.types import PlaceLine, PlaceOrder


def order(sku: str = "APPLE", quantity: int = 1, **more: Any) -> PlaceOrder:
    return PlaceOrder(lines=[PlaceLine(sku=sku, quantity=Decimal(quantity))], **more)


async def stock(db: Database, world: SimpleNamespace, sku: str, quantity: int, place: str = "LON-A-1") -> None:
    line = ReceiveLine(sku=sku, quantity=Decimal(quantity), location=place)
    await ledger.receive(db, world.actor(), Receive(lines=[line]))


async def position(db: Database, world: SimpleNamespace, sku: str, site: str = "LON") -> tuple[Decimal, Decimal]:
    async with db.transaction() as tx:
        row = await tx.dicts(
            sql("SELECT on_hand, allocated FROM inventory_positions WHERE variant_id = %(v)s AND site_id = %(s)s"),
            {"v": world.items[sku], "s": world.places[site]},
        )
    return row[0]["on_hand"], row[0]["allocated"]


async def test_an_order_is_allocated_then_waits(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "APPLE", 10)
    first = (await service.place(db, world.actor(), order(quantity=7, channel="web", external_id="A"))).answer
    assert (first.status, first.lines[0].allocated, first.lines[0].sites) == ("ALLOCATED", 7, {"LON": 7})
    second = (await service.place(db, world.actor(), order(quantity=7, channel="web", external_id="B"))).answer
    assert (second.status, second.lines[0].allocated, second.lines[0].backordered) == ("PARTLY_ALLOCATED", 3, 4)
    assert await position(db, world, "APPLE") == (10, 10)
    again = await service.place(db, world.actor(), order(quantity=7, channel="web", external_id="B"))
    assert (again.replayed, again.answer.id, again.answer.lines[0].sites) == (True, second.id, {"LON": 3})
    with pytest.raises(Refusal, match="asked for something else"):
        await service.place(db, world.actor(), order(quantity=8, channel="web", external_id="B"))


async def test_a_group_is_decided_together_and_the_bad_fail_alone(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "PEAR", 5)
    actor = world.actor()
    requests = [Request(actor, order("PEAR", 1, channel="web", external_id=f"P{n % 8}")) for n in range(10)]
    requests[3:3] = [
        Request(actor, order("NOTHING"), "k1"),
        Request(actor, order("PEAR", 0)),
        Request(actor, order("PEAR"), ""),
    ]
    with count_statements() as statements:
        outcomes = await service.place_together(db, requests)
    assert len(statements) <= 9, statements
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert [refusal.code for refusal in refused] == ["unknown_items", "invalid_value", "invalid_value"]
    taken = [outcome for outcome in outcomes if not isinstance(outcome, Refusal)]
    assert len({one.answer.id for one in taken}) == 8
    assert [one.replayed for one in taken] == [False] * 8 + [True] * 2
    assert sum(one.answer.lines[0].allocated for one in taken[:8]) == 5
    assert await position(db, world, "PEAR") == (5, 5)


async def test_many_at_once_never_oversell(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "FLOUR", 20)
    gathering = service.Gathering(db)
    answers = await asyncio.gather(
        *(gathering.place(world.actor(), order("FLOUR", 1), key=f"f{n}") for n in range(60)),
        *(service.place(db, world.actor(), order("FLOUR", 1), key=f"f{n}") for n in range(60)),
    )
    assert len({one.answer.id for one in answers}) == 60
    assert sum(one.answer.lines[0].allocated for one in answers if not one.replayed) == 20
    assert await position(db, world, "FLOUR") == (20, 20)


MEETS = """
CREATE FUNCTION meets_another() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF (SELECT count(*) FROM new_rows WHERE external_id LIKE 'MET-%') > 1 THEN
    RAISE unique_violation USING CONSTRAINT = 'orders_external';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER meets_another AFTER INSERT ON orders
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION meets_another();
"""


async def test_a_group_that_meets_others_again_and_again_is_taken_one_by_one(
    db: Database, world: SimpleNamespace
) -> None:
    """Among many orders each try may meet somebody else who has just written another of them; prove found it."""
    async with db.admin() as tx:
        await tx.execute(sql(MEETS))
    orders = [order("FLOUR", 1, channel="web", external_id=f"MET-{n}") for n in range(4)]
    outcomes = await service.place_many(db, world.actor(), orders)
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == [False] * 4
    async with db.admin() as tx:
        await tx.execute(sql("DROP TRIGGER meets_another ON orders"))
