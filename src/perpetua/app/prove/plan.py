"""What is sent: drawn from a seed, the same again for the same seed. Most want what few have.

Documents are drawn one after the other as they are sent: however many there are, they take no memory.
"""

import itertools
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

__all__ = ["Document", "Fate", "Hold", "Order", "Plan"]

CHANNELS: Final = ("web", "shop", "wholesale")
FULFILMENTS: Final = (None, None, None, None, None, "split", "cancel_rest", "cancel_rest")
WHOLE_SHARE: Final = 0.12
"""Of small orders, so many go as a whole or wait."""
WHOLE_LINES: Final = 4
BAD_LINES: Final[tuple[dict[str, Any], ...]] = (
    {"sku": "NO-SUCH-ITEM", "quantity": "1"},
    {"sku": "ITEM-1", "quantity": "0"},
    {"sku": "ITEM-1", "quantity": "-3"},
    {"sku": "ITEM-1", "quantity": "0.5"},
    {"sku": "ITEM-1", "quantity": "99999999999999999999"},
)
QUANTITIES: Final = (1, 1, 1, 2, 2, 3, 4)
SIZES: Final = ((1, 1), (1, 1), (1, 1), (2, 4), (2, 4), (5, 12), (5, 12), (13, 30))
"""How many lines an order that is sent alone has: from, to."""
SMALL: Final = (1, 1, 2, 2, 3, 4, 6)
"""How many lines an order among many has."""
BULK_ORDERS: Final = (80, 320)
BULK_SHARE: Final = 0.7
"""Of all lines, so many are sent in documents of hundreds of orders."""
KEPT: Final = 300
"""Orders that may be sent again later."""
KIT_SHARE: Final = 0.03
MIN_LIFE: Final = 30


class Order(NamedTuple):
    """An order. `good`: it must be taken."""

    number: int
    channel: str
    external_id: str
    body: bytes
    lines: int
    good: bool


class Fate(NamedTuple):
    """What happens to an order once it was taken: an action of the API, sent under a key."""

    action: str
    body: bytes


class Hold(NamedTuple):
    """Stock is reserved before the order comes. `ends`: ordered, released, or left to expire."""

    holder: str
    body: bytes
    units: int
    ends: str
    release: bytes


class Document(NamedTuple):
    """What one client sends, and what follows.

    `twice`: to both servers at once. `again`: to the other server once it was answered. `later`: so much later it is
    sent again. `fates`: by the order's place.
    """

    orders: tuple[Order, ...]
    bulk: bool
    key: str | None = None
    twice: bool = False
    again: bool = False
    hold: Hold | None = None
    fates: Mapping[int, Fate] = MappingProxyType({})

    @property
    def lines(self) -> int:
        """In all."""
        return sum(order.lines for order in self.orders)


class Plan:
    """All that will be sent.

    Args:
        lines: how many order lines.
        items: how many items they are of; the first are wanted most.
        kits: how many kits there are.
        seed: what all is drawn from.
    """

    def __init__(self, lines: int, items: int, kits: int, seed: int) -> None:
        self.lines, self.seed = lines, seed
        self.skus = [f"ITEM-{n}" for n in range(1, items + 1)]
        weights = list(itertools.accumulate(1 / n for n in range(1, items + 1)))
        self.weights = weights
        self._kits = [f"KIT-{n}" for n in range(1, kits + 1)]
        self._numbers = itertools.count()
        self._kept: deque[Order] = deque(maxlen=KEPT)

    def documents(self) -> Iterator[Document]:
        """The documents, until there are enough lines."""
        chance, sent, bulk = random.Random(self.seed), 0, 0  # noqa: S311
        while sent < self.lines:
            many = bulk < sent * BULK_SHARE
            document = self._many(chance, self.lines - sent) if many else self._one(chance)
            sent += document.lines
            bulk += document.lines if many else 0
            yield document

    def some(self, chance: random.Random, how_many: int) -> Sequence[str]:
        """Items, as they are wanted."""
        return chance.choices(self.skus, cum_weights=self.weights, k=how_many)

    def share(self, place: int) -> float:
        """How much of all that is wanted is of the item at this place (from 0)."""
        return 1 / (place + 1) / self.weights[-1]

    def _one(self, chance: random.Random) -> Document:
        fate = chance.random()
        hold = self._hold(chance) if 0.40 <= fate < 0.45 else None
        order = self._order(chance, chance.randint(*chance.choice(SIZES)), hold)
        document = Document((order,), bulk=False, hold=hold)
        if chance.random() < 0.3:
            document = document._replace(key=f"order-{order.number}")
        if fate < 0.06:
            return document._replace(twice=True)
        if fate < 0.10:
            return document._replace(again=True)
        if fate < 0.12 and self._kept:
            return document._replace(orders=(self._kept[chance.randrange(len(self._kept))],), key=None)
        self._keep(chance, order)
        if order.good and 0.12 <= fate < 0.22:
            return document._replace(fates={0: self._fate(chance, order)})
        return document

    def _many(self, chance: random.Random, most: int) -> Document:
        """Hundreds of orders in one document; some were sent before, in another or alone, and some are in it twice."""
        orders: list[Order] = []
        fates: dict[int, Fate] = {}
        left = min(most, chance.randint(*BULK_ORDERS) * sum(SMALL) // len(SMALL))
        while left > 0 or not orders:
            if self._kept and chance.random() < 0.02:
                order = self._kept[chance.randrange(len(self._kept))]
            else:
                order = self._order(chance, chance.choice(SMALL), None)
                if order.good and chance.random() < 0.006:
                    fates[len(orders)] = self._fate(chance, order)
                self._keep(chance, order)
            orders.append(order)
            left -= order.lines
        return Document(tuple(orders), bulk=True, again=chance.random() < 0.05, fates=fates)

    def _keep(self, chance: random.Random, order: Order) -> None:
        if chance.random() < 0.1:
            self._kept.append(order)

    def _order(self, chance: random.Random, size: int, hold: Hold | None) -> Order:
        number = hold_number(hold) if hold else next(self._numbers)
        channel = CHANNELS[number % len(CHANNELS)]
        lines = [self._line(chance) for _ in range(size)]
        good = chance.random() >= 0.02
        if not good:
            lines.insert(chance.randrange(len(lines) + 1), dict(chance.choice(BAD_LINES)))
        body: dict[str, Any] = {"channel": channel, "external_id": f"PROVE-{number}", "lines": lines}
        fulfilment = chance.choice(FULFILMENTS)
        if len(lines) <= WHOLE_LINES and chance.random() < WHOLE_SHARE:
            fulfilment = "complete"
        if fulfilment:
            body["fulfilment"] = fulfilment
        if chance.random() < 0.1:
            body["min_life_days"] = MIN_LIFE
        if hold and hold.ends == "ordered":
            body["reservation"] = hold.holder
        return Order(number, channel, f"PROVE-{number}", _body(body), len(lines), good)

    def _line(self, chance: random.Random) -> dict[str, str]:
        if chance.random() < KIT_SHARE:
            return {"sku": chance.choice(self._kits), "quantity": str(chance.randint(1, 2))}
        return {"sku": self.some(chance, 1)[0], "quantity": str(chance.choice(QUANTITIES))}

    def _hold(self, chance: random.Random) -> Hold:
        number = next(self._numbers)
        channel, holder = CHANNELS[number % len(CHANNELS)], f"CART-{number}"
        asked = [(sku, chance.choice(QUANTITIES)) for sku in self.some(chance, chance.choice((1, 1, 2, 3)))]
        ends = chance.choice(("ordered", "ordered", "ordered", "released", "expired", "expired"))
        body = {
            "channel": channel, "holder": holder, "kind": chance.choice(("cart", "cart", "quote", "hold")),
            "lines": [{"sku": sku, "quantity": str(units)} for sku, units in asked], "partial": chance.random() < 0.6,
            "expires_in_seconds": chance.choice((1, 2, 5, 20)) if ends == "expired" else chance.choice((3, 60, 3600)),
        }  # fmt: skip
        release = _body({"channel": channel, "holder": holder})
        return Hold(holder, _body(body), sum(units for _, units in asked), ends, release)

    def _fate(self, chance: random.Random, order: Order) -> Fate:
        action = chance.choice(("cancel", "cancel", "cancel", "ship", "ship", "ship", "change", "release"))
        if action == "cancel":
            body: dict[str, Any] = {"reason": "changed their mind"}
            if chance.random() < 0.5:
                body["lines"] = [{"line_no": chance.randint(1, order.lines), "quantity": "1"}]
        elif action == "change":
            change = {"line_no": chance.randint(1, order.lines), "quantity": str(chance.choice(QUANTITIES))}
            body = {"lines": [change], "add": [self._line(chance)] if chance.random() < 0.3 else []}
        else:
            body = {}
        return Fate(action, _body(body))


def hold_number(hold: Hold) -> int:
    """The number of the order that a reservation was made for."""
    return int(hold.holder.removeprefix("CART-"))


def _body(value: Any) -> bytes:
    return msgspec.json.encode(value)
