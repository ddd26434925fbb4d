"""Many people at the same plates: nothing is on two, nothing is moved twice; and any sequence against a model."""

import asyncio
import uuid
from collections import defaultdict
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.allocation.helpers import bring, make, order
from tests.plates.helpers import move, on, on_hand, plate, put, whole

from perpetua.access.types import SYSTEM
from perpetua.allocation import service as allocation
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine, Transfer, TransferLine
from perpetua.orders.types import CancelOrder, ShipOrder
from perpetua.plates import service
from perpetua.plates.types import MovePlate, Nest, PlateDetail, PlateFilters, PlateLine, TakeOff

D = Decimal
PLACES = ("LON-A-1", "LON-A-2", "SHOP-FLOOR")


async def all_of(*work: Any) -> list[Any]:
    """What each gave; refusals are answers too."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException) and not isinstance(one, Refusal):
            raise one
    return done


async def test_two_move_one_plate(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "RA")
    await bring(db, world, "RA", 10)
    one = await plate(db, world, "RA")
    await put(db, world, one, "RA", 6)
    for _ in range(5):
        await all_of(*(move(db, world, one, place) for place in (*PLACES, *PLACES)))
        now = await service.get(db, SYSTEM, one.id)
        assert await on_hand(db, world, "RA", now.location) == 6 + 4 * (now.location == "LON-A-1")
    await whole(db)


async def test_goods_are_put_on_many_plates_at_once(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "RB")
    await bring(db, world, "RB", 10)
    plates = [await plate(db, world, f"RB-{n}") for n in range(8)]
    done = await all_of(*(put(db, world, one, "RB", 3) for one in plates))
    assert sum(isinstance(one, PlateDetail) for one in done) == 3
    await whole(db)


async def test_an_order_leaves_while_its_goods_are_moved(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "RC")
    for turn in range(6):
        await bring(db, world, "RC", 10)
        one = await plate(db, world, f"RC-{turn}")
        await put(db, world, one, "RC", 10)
        wanted = await order(db, world, ("RC", 7))
        await all_of(
            allocation.ship(db, world.actor(), wanted.id, ShipOrder()), move(db, world, one, "LON-A-2"),
            put(db, world, one, "RC", 1), move(db, world, one, "LON-Q"),
        )  # fmt: skip
        shipped = await allocation.get(db, SYSTEM, wanted.id)
        if shipped.status != "SHIPPED":
            await allocation.cancel(db, world.actor(), wanted.id, CancelOrder(reason="a test"))
        await whole(db)


async def test_plates_put_on_each_other_at_once_close_no_circle(db: Database, world: SimpleNamespace) -> None:
    plates = [await plate(db, world, f"RD-{n}") for n in range(4)]
    for _ in range(4):
        pairs = list(zip(plates, plates[1:] + plates[:1], strict=True))
        await all_of(*(service.nest(db, SYSTEM, one.id, Nest(parent=over.code)) for one, over in pairs))
        tops = [one for one in plates if (await service.get(db, SYSTEM, one.id)).parent is None]
        assert len(tops) == 1
        assert len((await service.get(db, SYSTEM, tops[0].id)).nested) == 3
        await all_of(*(service.unnest(db, SYSTEM, one.id) for one in plates))


async def test_a_box_is_put_on_a_pallet_that_moves(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "RE")
    for turn in range(6):
        await bring(db, world, "RE", 4)
        pallet, box = await plate(db, world, f"RE-P{turn}"), await plate(db, world, f"RE-B{turn}")
        await put(db, world, pallet, "RE", 2)
        await put(db, world, box, "RE", 2)
        nesting = service.nest(db, world.actor(), box.id, Nest(parent=pallet.code))
        await all_of(nesting, move(db, world, pallet, "LON-A-2"))
        now, top = await service.get(db, SYSTEM, box.id), await service.get(db, SYSTEM, pallet.id)
        assert (now.location == top.location) or now.parent is None
    await whole(db)


Act = tuple[str, int, int, int]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "take", "move", "nest", "unnest", "dissolve", "lose", "transfer", "bring"]),
        st.integers(0, 3), st.integers(0, 3), st.integers(1, 6),
    ),
    max_size=25,
)  # fmt: skip


class Model:
    """Plates as plain numbers: place, parent and contents of each; on hand by place."""

    def __init__(self) -> None:
        self.place = ["LON-A-1"] * 4
        self.parent: list[int | None] = [None] * 4
        self.held = [0] * 4
        self.alive = [True] * 4
        self.on_hand: dict[str, int] = defaultdict(int)

    def tree(self, one: int) -> list[int]:
        return [one, *(each for child in range(4) if self.parent[child] == one for each in self.tree(child))]

    def loose(self, place: str) -> int:
        return self.on_hand[place] - sum(n for n, at in zip(self.held, self.place, strict=True) if at == place)

    def fall(self, place: str, quantity: int) -> None:
        """Goods leave the place without their plates."""
        self.on_hand[place] -= quantity
        while (lack := -self.loose(place)) > 0:
            holding = [n for n in range(4) if self.held[n] and self.place[n] == place]
            least = min(holding, key=lambda n: (self.held[n], n))
            self.held[least] -= min(lack, self.held[least])

    def act(self, act: Act) -> bool:
        """Do it; whether it is allowed."""
        what, one, other, quantity = act
        place, to = self.place[one], PLACES[other % 3]
        match what:
            case "put" if self.alive[one] and self.loose(place) >= quantity:
                self.held[one] += quantity
            case "take" if self.alive[one] and self.held[one] >= quantity:
                self.held[one] -= quantity
            case "move" if self.alive[one] and place != to:
                moved = self.tree(one)
                total = sum(self.held[each] for each in moved)
                self.on_hand[place] -= total
                self.on_hand[to] += total
                self.parent[one] = None
                for each in moved:
                    self.place[each] = to
            case "nest" if (
                self.alive[one] and self.alive[other] and other not in self.tree(one) and place == self.place[other]
            ):
                self.parent[one] = other
            case "unnest" if self.alive[one]:
                self.parent[one] = None
            case "dissolve" if self.alive[one]:
                self.held[one], self.alive[one], self.parent[one] = 0, False, None
                self.parent = [None if over == one else over for over in self.parent]
            case "lose" if self.on_hand[to] >= quantity:
                self.fall(to, quantity)
            case "transfer" if self.on_hand[place] >= quantity and place != to:
                self.fall(place, quantity)
                self.on_hand[to] += quantity
            case "bring":
                self.on_hand[to] += quantity
            case _:
                return False
        return True


class Real:
    """The same through the services."""

    def __init__(self, db: Database, world: SimpleNamespace, sku: str, plates: list[PlateDetail]) -> None:
        self.db, self.world, self.sku, self.plates = db, world, sku, plates
        self.place = ["LON-A-1"] * 4

    async def act(self, act: Act) -> bool:
        what, one, other, quantity = act
        db, actor, here = self.db, self.world.actor(), self.plates[one]
        place, to = (await service.get(db, SYSTEM, here.id)).location, PLACES[other % 3]
        line, amount = PlateLine(sku=self.sku, quantity=D(quantity)), D(quantity)
        try:
            match what:
                case "put":
                    await put(db, self.world, here, self.sku, quantity)
                case "take":
                    await service.take_off(db, actor, here.id, TakeOff(lines=[line]))
                case "move":
                    await service.move(db, actor, here.id, MovePlate(to=to))
                case "nest":
                    await service.nest(db, actor, here.id, Nest(parent=self.plates[other].code))
                case "unnest":
                    await service.unnest(db, actor, here.id)
                case "dissolve":
                    await service.dissolve(db, actor, here.id)
                case "lose":
                    if await on_hand(db, self.world, self.sku, to) < amount:
                        return False  # the shop floor may go below nothing
                    lost = AdjustLine(sku=self.sku, quantity=-amount, location=to)
                    await ledger.adjust(db, actor, Adjust(lines=[lost], reason_code="damage"))
                case "transfer":
                    if await on_hand(db, self.world, self.sku, place) < amount:
                        return False
                    moved = TransferLine(sku=self.sku, quantity=amount, from_location=place, to_location=to)
                    await ledger.transfer(db, actor, Transfer(lines=[moved]))
                case _:
                    await bring(db, self.world, self.sku, quantity, place=to)
        except Refusal:
            return False
        return True


@settings(max_examples=25)
@given(acts=ACTS)
async def test_any_sequence_is_as_the_model_has_it(db: Database, world: SimpleNamespace, acts: list[Act]) -> None:
    sku = uuid.uuid4().hex[:12].upper()
    await make(db, world, sku)
    await bring(db, world, sku, 12)
    plates = [await plate(db, world, f"{sku}-{n}") for n in range(4)]
    model, real = Model(), Real(db, world, sku, plates)
    model.on_hand["LON-A-1"] = 12
    for act in acts:
        assert await real.act(act) == model.act(act), act
    for n, one in enumerate(plates):
        now = await service.get(db, SYSTEM, one.id)
        own = sum((each.quantity for each in now.goods if each.plate_id == one.id), D(0))
        over = plates.index(next(p for p in plates if p.id == now.parent_id)) if now.parent_id else None
        assert (now.location, over, own) == (model.place[n], model.parent[n], model.held[n]), acts
    for place in PLACES:
        assert await on_hand(db, world, sku, place) == model.on_hand[place]
    found = await service.list_plates(db, SYSTEM, PlateFilters(sku=sku), PageRequest())
    assert {one.id for one in found.items} == {one.id for one, held in zip(plates, model.held, strict=True) if held}
    assert len(await on(db, *plates)) == 4
