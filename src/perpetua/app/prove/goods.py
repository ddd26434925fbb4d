"""Goods: what comes, is lost, spoils and moves between the sites while orders come.

A buyer looks at what waits and what is free, as buyers do, and orders too little of some items and enough of others: so
however long it goes on, at any time some items are short and others are not, and no queue grows without end.
"""

import random
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple

import msgspec
import psycopg

from perpetua.app.prove.plan import Plan
from perpetua.app.prove.world import BINS

__all__ = ["ROUND_LINES", "Goods", "Move"]

ROUND_LINES: Final = 1_500
"""The buyer looks after so many lines."""
FACTORS: Final = (0.0, 0.0, 0.4, 0.0, 0.7, 0.0, 1.0, 1.4)
"""Of what waits for an item so much is bought, round by round; each item is at another place of it."""
UNITS: Final = 2.0
"""Of a line, about."""
LOSS_EVERY: Final = 50
MOVE_EVERY: Final = 70
LINES_EACH: Final = 200
LOT_ROUNDS: Final = 100
"""So many rounds bring goods of the same lots."""
LASTS: Final = (0, 0, 3, 12, 45, 200, 400, None)
"""So many days the lots that come last."""

NEED: LiteralString = """
SELECT i.sku, i.tracking = 'lot', coalesce(w.units, 0)::float8, coalesce(p.free, 0)::float8
FROM product_variants i
LEFT JOIN (
  SELECT coalesce(k.component_id, l.variant_id) AS variant_id, sum(l.backordered * coalesce(k.quantity, 1)) AS units
  FROM order_lines l LEFT JOIN kit_components k ON l.kit AND k.kit_id = l.variant_id
  WHERE l.backordered > 0 GROUP BY 1) w ON w.variant_id = i.id
LEFT JOIN (
  SELECT variant_id, sum(on_hand - unsellable - allocated - reserved) AS free FROM inventory_positions GROUP BY 1
) p ON p.variant_id = i.id
WHERE i.sku LIKE 'ITEM-%%'"""


class Move(NamedTuple):
    """A command of the ledger, to be posted under a key."""

    what: str
    path: str
    body: bytes
    key: str


class Goods:
    """What is posted to the ledger.

    Args:
        url: the scratch database, to see what waits.
    """

    def __init__(self, url: str, plan: Plan) -> None:
        self._url, self._plan = url, plan
        self._chance = random.Random(f"{plan.seed}/goods")  # noqa: S311
        self._round = 0
        self._lots: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=6))
        self._places = {sku: place for place, sku in enumerate(plan.skus)}

    async def bought(self) -> list[Move]:
        """What comes next: by what waits now. Nothing, while the database is away."""
        try:
            async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                found = await (await connection.execute(NEED)).fetchall()
        except psycopg.Error:
            return []
        self._round += 1
        lines: list[dict[str, str]] = []
        for sku, tracked, waiting, free in found:
            lines += self._lines(sku, tracked, waiting, free)
        self._chance.shuffle(lines)
        return [
            self._move("receipts", "receive", {"lines": lines[at : at + LINES_EACH]}, f"goods-{self._round}-{at}")
            for at in range(0, len(lines), LINES_EACH)
        ]

    def _lines(self, sku: str, tracked: bool, waiting: float, free: float) -> list[dict[str, str]]:
        place = self._places[sku]
        factor = FACTORS[(self._round + place) % len(FACTORS)]
        usual = self._plan.share(place) * ROUND_LINES * UNITS
        units = waiting * factor + (usual * 3 if factor >= 1 else 0.0)
        if free > 2 * usual and waiting == 0:
            units = 0.0
        if self._round == 1:
            units = usual * 2 + self._chance.random()
        whole = int(units) + (self._chance.random() < units % 1)
        bins = self._chance.sample(BINS, 2)
        parts = [whole - whole // 3, whole // 3] if whole > 5 else [whole]
        return [self._line(sku, tracked, part, bin_) for part, bin_ in zip(parts, bins, strict=False) if part]

    def _line(self, sku: str, tracked: bool, units: int, place: str) -> dict[str, str]:
        line = {"sku": sku, "quantity": str(units), "location": place}
        if tracked:
            days = self._chance.choice(LASTS)
            line["lot"] = f"L{self._round // LOT_ROUNDS}-{days}"
            if days is not None:
                line["expires_on"] = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
            self._lots[sku].append(line["lot"])
        return line

    def after(self, number: int) -> Move | None:
        """What is lost, or moves, after so many documents."""
        chance = random.Random(f"{self._plan.seed}/{number}")  # noqa: S311
        if number % LOSS_EVERY == LOSS_EVERY - 1:
            return self._loss(chance, f"loss-{number}")
        if number % MOVE_EVERY == MOVE_EVERY - 1:
            return self._transfer(chance, f"move-{number}")
        return None

    def _loss(self, chance: random.Random, key: str) -> Move:
        """Damaged, counted less, or written off, whether or not it is promised."""
        line, units = self._place(chance), chance.choice((1, 2, 4, 15))
        how = chance.random()
        if how < 0.5:
            body = {"lines": [line | {"quantity": str(-units)}], "reason_code": "damage"}
            return self._move("damaged", "adjust", body, key)
        if how < 0.6:
            # Of an item that few want: of another, thousands of orders would lose what they have.
            rare = {"sku": self._plan.skus[-1 - chance.randrange(len(self._plan.skus) // 4)], "counted": str(units)}
            if rare["sku"] not in self._lots:
                body = {"lines": [rare | {"location": line["location"]}], "reason_code": "count"}
                return self._move("counted", "adjust", body, key)
        body = {"lines": [line | {"quantity": str(units)}], "reason_code": "damage"}
        return self._move("written_off", "write-off", body, key)

    def _transfer(self, chance: random.Random, key: str) -> Move:
        """From site to site, at once or on its way for a while, or within one, out of sale."""
        line = self._place(chance) | {"quantity": str(chance.randint(1, 6))}
        source = line.pop("location")
        target = chance.choice([place for place in (*BINS, "P1-Q") if place != source])
        body = {"lines": [line], "from_location": source, "to_location": target}
        if chance.random() < 0.4 and source[:2] != target[:2]:
            return self._move("sent", "transfer", body | {"two_step": True}, key)
        return self._move("transferred", "transfer", body, key)

    def _place(self, chance: random.Random) -> dict[str, str]:
        sku = self._plan.some(chance, 1)[0]
        line = {"sku": sku, "location": chance.choice(BINS)}
        if lots := self._lots.get(sku):
            line["lot"] = chance.choice(lots)
        return line

    def _move(self, what: str, path: str, body: dict[str, Any], key: str) -> Move:
        return Move(what, f"/api/inventory/{path}", msgspec.json.encode(body), key)
