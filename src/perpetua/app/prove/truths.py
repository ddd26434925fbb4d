"""What must be true, told by plain SQL over the tables: from the rows themselves rather than from what is kept of them.

Each statement gives a row for each that was looked at: what it is, and whether it is wrong.
"""

from collections.abc import Callable
from typing import Any, Final, LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg import sql

from perpetua.app.prove.looking import LOOK, PREPARE, TALLY
from perpetua.app.prove.told import Told

__all__ = ["Finding", "examine", "tally"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One truth: how many were looked at, how many are wrong."""

    name: str
    meaning: str
    looked_at: int
    wrong: int
    examples: list[str] = []


class Truth(NamedTuple):
    """A truth and the statement that gives, for each that was looked at, what it is and whether it is wrong."""

    name: str
    meaning: str
    text: LiteralString


TRUTHS: Final[tuple[Truth, ...]] = (
    Truth("oversold", "What is promised of an item at a site is there", """
        SELECT concat('variant ', variant_id, ', site ', site_id, ': ', allocated + reserved, ' of ', there),
               allocated + reserved > greatest(there, 0)
        FROM shelves"""),
    Truth("below_nothing", "Nowhere, and of no lot, has more left than came", """
        SELECT concat('variant ', variant_id, ', location ', location_id, ', lot ', lot_id, ': ', on_hand), on_hand < 0
        FROM heaps"""),
    Truth("lots", "What is promised of a lot is there, and may be sent", """
        SELECT concat('lot ', p.lot_id, ', site ', p.site_id, ': ', allocated + reserved, ' of ', coalesce(h.there, 0)),
               allocated + reserved > CASE WHEN t.blocked THEN 0 ELSE coalesce(h.there, 0) END
               OR (allocated + reserved > 0 AND t.expires_on < (now() AT TIME ZONE 'UTC')::date - 1)
        FROM promised p JOIN lots t ON t.id = p.lot_id
        LEFT JOIN (SELECT variant_id, site_id, lot_id, sum(greatest(on_hand, 0)) AS there FROM heaps WHERE sellable
                   GROUP BY 1, 2, 3) h
          ON h.variant_id = p.variant_id AND h.site_id = p.site_id AND h.lot_id = p.lot_id
        WHERE p.lot_id <> 0"""),
    Truth("lost", "Every acknowledged order is there, under the id that was told", """
        SELECT a.external_id, o.id IS DISTINCT FROM a.order_id
        FROM acknowledged a LEFT JOIN orders o ON o.channel = a.channel AND o.external_id = a.external_id"""),
    Truth("doubled", "No external id is there twice", """
        SELECT concat(channel, ' ', external_id), count(*) > 1 FROM orders GROUP BY channel, external_id"""),
    Truth("one_answer", "The same order sent again is answered with the same id", """
        SELECT external_id, ids > 1 FROM acknowledged"""),
    Truth("unasked", "Every order there was sent, acknowledged, and was none of the bad ones", """
        SELECT o.external_id, s.good IS NOT TRUE OR a.external_id IS NULL
        FROM orders o LEFT JOIN asked s USING (channel, external_id)
        LEFT JOIN acknowledged a USING (channel, external_id)"""),
    Truth("divided", "Each unit of a line is allocated, shipped, cancelled, refused or waits", """
        SELECT concat('line ', id), least(allocated, shipped, cancelled, refused, backordered) < 0
               OR allocated + shipped + cancelled + refused + backordered <> quantity
        FROM order_lines"""),
    Truth("held", "What a line has allocated is what its allocations hold, of a kit each component", """
        SELECT concat('line ', l.id, ', item ', p.variant_id), p.quantity * l.allocated <> coalesce(a.quantity, 0)
        FROM order_lines l
        CROSS JOIN LATERAL (
          SELECT l.variant_id, 1::numeric AS quantity WHERE NOT l.kit
          UNION ALL SELECT k.component_id, k.quantity FROM kit_components k WHERE l.kit AND k.kit_id = l.variant_id) p
        LEFT JOIN (SELECT line_id, variant_id, sum(quantity) AS quantity FROM order_allocations WHERE state = 'open'
                   GROUP BY 1, 2) a ON a.line_id = l.id AND a.variant_id = p.variant_id"""),
    Truth("left", "What has left for an order is what its lines say has left, item by item", """
        SELECT concat('order ', order_id, ', item ', variant_id), sum(said) <> sum(posted)
        FROM (
          SELECT l.order_id, p.variant_id, p.quantity * l.shipped AS said, 0 AS posted
          FROM order_lines l CROSS JOIN LATERAL (
            SELECT l.variant_id, 1::numeric AS quantity WHERE NOT l.kit
            UNION ALL SELECT k.component_id, k.quantity FROM kit_components k WHERE l.kit AND k.kit_id = l.variant_id) p
          WHERE l.shipped > 0
          UNION ALL
          SELECT t.reference_id::bigint, t.variant_id, 0, -t.quantity FROM inventory_transactions t
          WHERE t.type = 'SALE' AND t.reference_type = 'order') x
        GROUP BY order_id, variant_id"""),
    Truth("explained", "Each line was decided once, and the log says how, for as much as it asks", """
        SELECT concat('line ', l.id), coalesce(g.decisions, 0) > 1 OR g.asked IS DISTINCT FROM l.quantity
        FROM order_lines l LEFT JOIN (
          SELECT line_id, count(*) FILTER (WHERE action <> 'changed') AS decisions,
                 (array_agg(asked ORDER BY id DESC))[1] AS asked
          FROM allocation_audit_log
          WHERE action IN ('allocated', 'partly_allocated', 'backordered', 'refused', 'changed') GROUP BY 1) g
        ON g.line_id = l.id"""),
    Truth("accounted", "What the log gave a line and took from it comes to what it holds", """
        SELECT concat('line ', l.id, ': ', l.allocated, ', by the log ', coalesce(g.held, 0)),
               coalesce(g.held, 0) <> l.allocated
        FROM order_lines l LEFT JOIN (
          SELECT line_id, sum(CASE WHEN action IN ('allocated', 'partly_allocated', 'filled', 'changed') THEN given
                                   WHEN action = 'taken' AND given > 0 THEN given
                                   WHEN action IN ('released', 'shipped', 'taken') THEN -asked
                                   WHEN action = 'cancelled' THEN -(facts ->> 'given_back')::numeric ELSE 0 END) AS held
          FROM told_of_lines WHERE id >= coalesce(changed, 0) GROUP BY 1) g ON g.line_id = l.id"""),
    Truth("positions", "On hand, allocated and reserved of each position are the sums of their rows", """
        SELECT concat('variant ', variant_id, ', site ', site_id),
               coalesce(p.on_hand, 0) <> coalesce(s.on_hand, 0)
               OR coalesce(p.on_hand - p.unsellable, 0) <> coalesce(s.there, 0)
               OR coalesce(p.allocated, 0) <> coalesce(s.allocated, 0)
               OR coalesce(p.reserved, 0) <> coalesce(s.reserved, 0)
        FROM inventory_positions p FULL JOIN shelves s USING (variant_id, site_id)"""),
    Truth("idle", "No stock is free while a line waits that could have it", """
        SELECT concat('line ', w.id), EXISTS (
          SELECT FROM free f WHERE f.variant_id = w.variant_id AND f.days = w.min_life_days AND f.free > 0)
        FROM waits w WHERE NOT w.kit AND w.fulfilment <> 'complete'"""),
    Truth("idle_kits", "No kit could be made at one site while a line waits for it", """
        SELECT concat('line ', w.id), EXISTS (
          SELECT FROM kit_components k
          JOIN free f ON f.variant_id = k.component_id AND f.days = w.min_life_days AND f.free >= k.quantity
          WHERE k.kit_id = w.variant_id GROUP BY f.site_id
          HAVING count(*) = (SELECT count(*) FROM kit_components n WHERE n.kit_id = w.variant_id))
        FROM waits w WHERE w.kit AND w.fulfilment <> 'complete'"""),
    Truth("idle_whole", "No order waits to go as a whole while all that it misses is free", """
        SELECT concat('order ', x.order_id), bool_and(x.missing <= x.free) FROM (
          SELECT w.order_id, w.variant_id, sum(w.waiting) AS missing,
                 coalesce((SELECT sum(greatest(f.free, 0)) FROM free f
                           WHERE f.variant_id = w.variant_id AND f.days = w.min_life_days), 0) AS free
          FROM waits w WHERE w.fulfilment = 'complete'
            AND NOT EXISTS (SELECT FROM order_lines k WHERE k.order_id = w.order_id AND k.kit)
          GROUP BY w.order_id, w.variant_id, w.min_life_days) x GROUP BY x.order_id"""),
    Truth("in_turn", "Nobody was given stock that came while an earlier one waited for it", """
        SELECT concat('line ', w.id), EXISTS (
          SELECT FROM (SELECT f.youngest FROM fills f
                       WHERE f.variant_id = w.variant_id AND f.days = w.min_life_days AND f.id > g.id
                       ORDER BY f.id LIMIT 1) f WHERE f.youngest > w.placed_at)
        FROM waits w
        CROSS JOIN LATERAL (SELECT max(id) AS id FROM allocation_audit_log WHERE order_id = w.order_id
          AND line_id = w.id AND action IN ('backordered', 'partly_allocated', 'released', 'changed', 'taken')) g
        WHERE NOT w.kit AND w.fulfilment <> 'complete'"""),
    Truth("fresh", "Nobody was given a lot that ends before it may, or of a tracked item no lot", """
        SELECT concat('allocation ', a.id, ', lot ', a.lot_id),
               a.lot_id = 0 OR t.expires_on < (a.made_at AT TIME ZONE 'UTC')::date + o.min_life_days
        FROM order_allocations a JOIN product_variants i ON i.id = a.variant_id AND i.tracking = 'lot'
        JOIN order_lines l ON l.id = a.line_id JOIN orders o ON o.id = l.order_id JOIN lots t ON t.id = a.lot_id
        WHERE a.lot_id NOT IN (SELECT lot_id FROM spoiled)"""),
    Truth("statuses", "An order's status is what its lines come to", """
        SELECT concat('order ', o.id, ' ', o.status),
               CASE WHEN o.status IN ('RELEASED', 'PICKING', 'PACKED') THEN x.allocated = 0 ELSE o.status <> CASE
                 WHEN x.shipped > 0 THEN CASE WHEN x.allocated + x.waiting > 0 THEN 'PARTLY_SHIPPED'
                                           WHEN x.returned = x.shipped THEN 'RETURNED' ELSE 'SHIPPED' END
                 WHEN x.gone = x.quantity THEN 'CANCELLED'
                 WHEN x.waiting = 0 THEN 'ALLOCATED'
                 WHEN x.allocated > 0 THEN 'PARTLY_ALLOCATED' ELSE 'BACKORDERED' END END
        FROM orders o JOIN (
          SELECT order_id, sum(quantity) AS quantity, sum(allocated) AS allocated, sum(shipped) AS shipped,
                 sum(cancelled + refused) AS gone, sum(backordered) AS waiting, sum(returned) AS returned
          FROM order_lines GROUP BY 1) x
          ON x.order_id = o.id"""),
    Truth("reserved_once", "Nobody holds, or ever held, more than was asked to be held for them", """
        SELECT concat(r.channel, ' ', r.holder), h.units IS NULL OR r.units > h.units
        FROM (SELECT channel, holder, sum(quantity) AS units FROM reservations GROUP BY 1, 2) r
        LEFT JOIN held h USING (channel, holder)"""),
    Truth("reserved_told", "Of each reservation the log tells that it was made, and where it ended, how", """
        SELECT concat('reservation ', r.id, ' ', r.state),
               coalesce(g.made, 0) <> 1 OR coalesce(g.ended, 0) <> (r.state <> 'open')::int
               OR (r.state <> 'open' AND g.state IS DISTINCT FROM r.state)
        FROM reservations r LEFT JOIN (
          SELECT reservation_id, count(*) FILTER (WHERE action = 'reserved') AS made,
                 count(*) FILTER (WHERE action = 'reservation_ended') AS ended,
                 max(facts ->> 'state') FILTER (WHERE action = 'reservation_ended') AS state
          FROM allocation_audit_log WHERE reservation_id IS NOT NULL GROUP BY 1) g ON g.reservation_id = r.id"""),
    Truth("expired", "What has expired holds nothing", """
        SELECT concat('reservation ', id), expires_at < now() - interval '2 minutes' FROM reservations
        WHERE state = 'open'"""),
    Truth("moved", "Goods that came, were lost or moved were written once", """
        SELECT m.key, count(p.id) <> 1 FROM moved m LEFT JOIN postings p ON p.idempotency_key = m.key
        GROUP BY m.key"""),
)  # fmt: skip


def examine(
    connection: psycopg.Connection[Any], told: Told, *, look: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """Look at each truth, all in one transaction: in one snapshot, where the connection is REPEATABLE READ.

    Args:
        look: told what is looked at next.
    """
    found: list[Finding] = []
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        for statement in PREPARE:
            cursor.execute(statement)
        for name in told.FILES:
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as out:
                for piece in told.pieces(name):
                    out.write(piece)
        look("what is there")
        for statement in LOOK:
            cursor.execute(statement)
        for truth in TRUTHS:
            look(truth.name)
            found.append(_examined(cursor, truth))
    return [*found, _answers(told)]


def tally(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """What became of it all, counted from the rows."""
    with connection.cursor() as cursor:
        cursor.execute(TALLY)
        return {name: int(count) for name, count in cursor.fetchall()}


def _examined(cursor: psycopg.Cursor[Any], truth: Truth) -> Finding:
    counted = sql.SQL("""
        SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(what) FILTER (WHERE wrong))[1:5]
        FROM ({}) x (what, wrong)""").format(sql.SQL(truth.text))
    row = cursor.execute(counted).fetchone()
    assert row is not None
    return Finding(name=truth.name, meaning=truth.meaning, looked_at=row[0], wrong=row[1], examples=row[2] or [])


def _answers(told: Told) -> Finding:
    """What the answers themselves show."""
    return Finding(
        name="answers", meaning="Good orders are taken, bad ones refused with a reason, nothing else is said",
        looked_at=told.counts["answers"], wrong=told.surprised, examples=told.surprises,
    )  # fmt: skip
