"""A document of many orders: its groups are under way side by side, and decided in its order."""

from decimal import Decimal
from types import SimpleNamespace
from unittest.mock import patch

import psycopg
import pytest

from perpetua.allocation import service
from perpetua.allocation.service.bulk import GROUP_LINES
from perpetua.kit.database import Database
from perpetua.kit.idempotency import Answered
from perpetua.orders.errors import UnknownItems
from perpetua.orders.types import Order, PlaceLine, PlaceOrder

from .helpers import bring, make_kit


def orders(name: str, count: int, sku: str) -> list[PlaceOrder]:
    """So many orders of one piece."""
    lines = [PlaceLine(sku=sku, quantity=Decimal(1))]
    return [PlaceOrder(channel="web", external_id=f"{name}-{n}", lines=lines) for n in range(count)]


async def placed(db: Database, world: SimpleNamespace, asked: list[PlaceOrder]) -> list[Answered[Order]]:
    """What became of them, none of which is refused."""
    outcomes = await service.place_many(db, world.actor(), asked)
    assert all(isinstance(one, Answered) for one in outcomes), outcomes
    return [one for one in outcomes if isinstance(one, Answered)]


async def test_who_comes_first_in_it_is_served_first(db: Database, world: SimpleNamespace) -> None:
    there, many = GROUP_LINES + 7, 3 * GROUP_LINES
    await bring(db, world, "APPLE", there)
    answers = await placed(db, world, orders("first", many, "APPLE"))
    assert [one.answer.status for one in answers] == ["ALLOCATED"] * there + ["BACKORDERED"] * (many - there)


async def test_what_stands_in_it_twice_is_one_order(db: Database, world: SimpleNamespace) -> None:
    asked = orders("twice", GROUP_LINES + 3, "PEAR")
    answers = await placed(db, world, [*asked, *asked[:5], *asked])
    ids = [one.answer.id for one in answers]
    assert ids[len(asked) :] == [*ids[:5], *ids[: len(asked)]]
    assert sum(one.replayed for one in answers) == 5 + len(asked)


async def test_a_kit_of_lots_that_is_there_already_disturbs_no_other(db: Database, world: SimpleNamespace) -> None:
    await make_kit(db, world, "BREAKFAST", MILK=1)
    await bring(db, world, "MILK", 5, lot="M1", expires_on="2099-01-01")
    await bring(db, world, "FLOUR", 5)
    kit, other = (orders("kit", 1, sku)[0] for sku in ("BREAKFAST", "FLOUR"))
    other = PlaceOrder(channel="web", external_id="flour", lines=other.lines)
    unknown = PlaceOrder(
        channel="web", external_id="unknown", lines=[*kit.lines, PlaceLine(sku="NOTHING", quantity=Decimal(1))]
    )
    await placed(db, world, [kit])
    outcomes = await service.place_many(db, world.actor(), [kit, unknown, other])
    assert isinstance(outcomes[1], UnknownItems)
    assert [one.answer.status for one in outcomes if isinstance(one, Answered)] == ["ALLOCATED", "ALLOCATED"]


async def test_a_document_that_is_cut_fails_as_its_group_did(db: Database, world: SimpleNamespace) -> None:
    cut = psycopg.OperationalError("the server closed the connection")
    with (
        patch("perpetua.allocation.service.bulk.place_together", side_effect=cut),
        pytest.raises(psycopg.OperationalError),
    ):
        await service.place_many(db, world.actor(), orders("cut", 3, "FLOUR"))
