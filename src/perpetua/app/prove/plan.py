"""What is sent: drawn from a seed, the same again for the same seed. Most want what few have."""

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from perpetua.app.prove.world import BINS

__all__ = ["Order", "Plan"]

CHANNELS: Final = ("web", "shop", "wholesale")
FULFILMENTS: Final = (None, None, None, None, "split", "complete", "cancel_rest")
BAD_LINES: Final[tuple[dict[str, Any], ...]] = (
    {"sku": "NO-SUCH-ITEM", "quantity": "1"},
    {"sku": "ITEM-1", "quantity": "0"},
    {"sku": "ITEM-1", "quantity": "-3"},
    {"sku": "ITEM-1", "quantity": "0.5"},
    {"sku": "ITEM-1", "quantity": "99999999999999999999"},
)
STOCK_SHARE: Final = 0.35
"""Of what will be wanted, so much is there at first; as much again comes while orders come."""
RECEIPT_EVERY: Final = 25
LOSS_EVERY: Final = 70


class Order(NamedTuple):
    """An order to send. `good`: it must be taken. `twice`: it is sent to both servers at once."""

    number: int
    channel: str
    external_id: str
    body: bytes
    lines: int
    good: bool
    twice: bool
    again: bool
    cancel: bytes | None
    ship: bool


class Plan:
    """All that will be sent.

    Args:
        lines: how many order lines.
        items: how many items they are of; the first are wanted most.
        kits: how many of those are kits.
        seed: what all is drawn from.
    """

    def __init__(self, lines: int, items: int, kits: int, seed: int) -> None:
        self.lines, self.seed = lines, seed
        self._skus = [f"ITEM-{n}" for n in range(1, items + 1)]
        self._weights = list(itertools.accumulate(1 / n for n in range(1, items + 1)))
        self._kits = [f"KIT-{n}" for n in range(1, kits + 1)]

    def orders(self) -> Iterator[Order]:
        """The orders, until there are enough lines."""
        chance, sent = random.Random(self.seed), 0  # noqa: S311
        for number in itertools.count():
            if sent >= self.lines:
                return
            order = self._order(number, chance)
            sent += order.lines
            yield order

    def opening(self) -> list[bytes]:
        """What is there at first: receipts."""
        total, units = self._weights[-1], self.lines * 2 * STOCK_SHARE
        lines = [
            self._receipt_line(sku, round(units / (n + 1) / total / len(BINS)), bin_)
            for n, sku in enumerate(self._skus) for bin_ in BINS
        ]  # fmt: skip
        lines = [line for line in lines if line["quantity"] != "0"]
        return [_body({"lines": lines[at : at + 500]}) for at in range(0, len(lines), 500)]

    def movement(self, number: int) -> tuple[str, bytes] | None:
        """The goods that come, or are lost, when the order of this number has been sent: path and body."""
        chance = random.Random(f"{self.seed}/{number}")  # noqa: S311
        if number % RECEIPT_EVERY == RECEIPT_EVERY - 1:
            units = round(RECEIPT_EVERY * 2 * 2 * STOCK_SHARE)
            lines = [self._receipt_line(sku, max(1, units // 5), chance.choice(BINS)) for sku in self._some(chance, 5)]
            return "/api/inventory/receive", _body({"lines": lines})
        if number % LOSS_EVERY == LOSS_EVERY - 1:
            sku, place = self._some(chance, 1)[0], chance.choice(BINS)
            line = {"sku": sku, "location": place, "quantity": str(-chance.randint(1, 4))}
            return "/api/inventory/adjust", _body({"lines": [line], "reason_code": "damage"})
        return None

    def _order(self, number: int, chance: random.Random) -> Order:
        channel, external_id = chance.choice(CHANNELS), f"PROVE-{number}"
        lines = [self._line(chance) for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4)))]
        good = chance.random() >= 0.03
        if not good:
            lines.insert(chance.randrange(len(lines) + 1), dict(chance.choice(BAD_LINES)))
        body: dict[str, Any] = {"channel": channel, "external_id": external_id, "lines": lines}
        if fulfilment := chance.choice(FULFILMENTS):
            body["fulfilment"] = fulfilment
        fate = chance.random()
        return Order(
            number, channel, external_id, _body(body), len(lines), good, twice=fate < 0.06, again=0.06 <= fate < 0.10,
            cancel=self._cancel(chance) if 0.10 <= fate < 0.18 else None, ship=0.18 <= fate < 0.22,
        )  # fmt: skip

    def _line(self, chance: random.Random) -> dict[str, Any]:
        if chance.random() < 0.04:
            return {"sku": chance.choice(self._kits), "quantity": str(chance.randint(1, 2))}
        return {"sku": self._some(chance, 1)[0], "quantity": str(chance.choice((1, 1, 1, 2, 2, 3, 4)))}

    def _cancel(self, chance: random.Random) -> bytes:
        body: dict[str, Any] = {"reason": "changed their mind"}
        if chance.random() < 0.5:
            body["lines"] = [{"line_no": 1, "quantity": "1"}]
        return _body(body)

    def _some(self, chance: random.Random, how_many: int) -> Sequence[str]:
        return chance.choices(self._skus, cum_weights=self._weights, k=how_many)

    def _receipt_line(self, sku: str, quantity: int, place: str) -> dict[str, Any]:
        return {"sku": sku, "location": place, "quantity": str(quantity)}


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()
