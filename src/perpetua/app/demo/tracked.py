"""The trade in items that are tracked by lot or by serial: what arrives, what is sold, what passes its date."""

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from perpetua.app.demo.catalogue import Item
from perpetua.app.demo.history import DAYS, first_day
from perpetua.app.demo.sites import SITES, bins
from perpetua.ledger.types import Receive, ReceiveLine, Sell, SellLine, WriteOff, WriteOffLine

__all__ = ["tracked"]

Command = Receive | Sell | WriteOff


class _Lot:
    def __init__(self, number: str, expires: date, left: int) -> None:
        self.number = number
        self.expires = expires
        self.left = left


def tracked(rng: random.Random, items: Sequence[Item], today: date) -> list[Command]:
    """Commands in the order in which they happened, all at the fulfilment centre; oldest lots go first."""
    homes = itertools.cycle(bins(SITES[2])[::3])
    lots: list[tuple[Item, str, list[_Lot]]] = [(n, next(homes), []) for n in items if n.tracking == "lot"]
    serials: list[tuple[Item, str, list[str]]] = [(n, next(homes), []) for n in items if n.tracking == "serial"]
    numbers = itertools.count(1)
    start = first_day(today)
    commands: list[Command] = []
    for week in range(DAYS // 14):
        day = start + timedelta(days=14 * week)
        arrived = _lots_in(rng, lots, day, everything=week == 0)
        if week % 6 == 0:
            arrived += _serials_in(rng, serials, numbers)
        if arrived:
            commands.append(
                Receive(lines=arrived, effective_at=_at(day, 7), reference_type="purchase_order",
                        reference_id=f"PO-T-{day:%y%m%d}")
            )  # fmt: skip
        over = _past_date(lots, day)
        if over:
            commands.append(WriteOff(lines=over, reason_code="expiry", effective_at=_at(day, 8)))
        sold = _lots_out(rng, lots, day + timedelta(days=9)) + _serials_out(rng, serials)
        if sold:
            commands.append(
                Sell(lines=sold, effective_at=_at(day + timedelta(days=9), 15), reference_type="sales_order",
                     reference_id=f"SO-T-{day:%y%m%d}")
            )  # fmt: skip
    return commands


def _lots_in(
    rng: random.Random, lots: list[tuple[Item, str, list[_Lot]]], day: date, *, everything: bool
) -> list[ReceiveLine]:
    lines: list[ReceiveLine] = []
    for item, place, held in lots:
        if not everything and (sum(lot.left for lot in held) > 30 or rng.random() < 0.5):
            continue
        lot = _Lot(f"L{day:%y%j}-{item.sku[-3:]}", day + timedelta(days=rng.randint(150, 540)), item.case * 2)
        held.append(lot)
        lines.append(
            ReceiveLine(sku=item.sku, quantity=Decimal(lot.left), lot=lot.number, location=place, unit_cost=item.cost,
                        expires_on=lot.expires.isoformat())
        )  # fmt: skip
    return lines


def _serials_in(
    rng: random.Random, serials: list[tuple[Item, str, list[str]]], numbers: "itertools.count[int]"
) -> list[ReceiveLine]:
    lines: list[ReceiveLine] = []
    for item, place, held in serials:
        new = [f"{item.sku[:3]}{next(numbers):07d}" for _ in range(rng.randint(1, 4))]
        held += new
        lines.append(
            ReceiveLine(sku=item.sku, quantity=Decimal(len(new)), serials=new, location=place, unit_cost=item.cost)
        )
    return lines


def _past_date(lots: list[tuple[Item, str, list[_Lot]]], day: date) -> list[WriteOffLine]:
    lines: list[WriteOffLine] = []
    for item, place, held in lots:
        for lot in held:
            if lot.left and lot.expires <= day:
                lines.append(WriteOffLine(sku=item.sku, quantity=Decimal(lot.left), lot=lot.number, location=place))
                lot.left = 0
    return lines


def _lots_out(rng: random.Random, lots: list[tuple[Item, str, list[_Lot]]], day: date) -> list[SellLine]:
    lines: list[SellLine] = []
    for item, place, held in lots:
        lot = min((lot for lot in held if lot.left and lot.expires >= day), key=lambda lot: lot.expires, default=None)
        if lot is None or rng.random() < 0.2:
            continue
        sold = min(lot.left, rng.randint(1, 9))
        lot.left -= sold
        lines.append(SellLine(sku=item.sku, quantity=Decimal(sold), lot=lot.number, location=place))
    return lines


def _serials_out(rng: random.Random, serials: list[tuple[Item, str, list[str]]]) -> list[SellLine]:
    lines: list[SellLine] = []
    for item, place, held in serials:
        if held and rng.random() < 0.35:
            serial = held.pop(0)
            lines.append(SellLine(sku=item.sku, quantity=Decimal(1), serials=[serial], location=place))
    return lines


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)
