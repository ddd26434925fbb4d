"""What must be true, told by plain SQL over the tables: from the rows themselves rather than from what is kept of them.

Each statement gives a row for each that was looked at: what it is, and whether it is wrong.
"""

from collections.abc import Iterable
from typing import Any, Final, LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg import sql

from perpetua.app.prove.flood import Told

__all__ = ["Finding", "examine"]


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


PREPARE: Final[tuple[LiteralString, ...]] = (
    "CREATE TEMP TABLE acknowledged (external_id text PRIMARY KEY, channel text, order_id bigint)",
    "CREATE TEMP TABLE sent (external_id text PRIMARY KEY, good boolean)",
    "CREATE TEMP TABLE moved (key text PRIMARY KEY)",
)
# What lies where it may be sold from, from the ledger's rows; what is promised of it; and what waits.
LOOK: Final[tuple[LiteralString, ...]] = (
    """CREATE TEMP TABLE shelves AS
       SELECT variant_id, site_id, sum(there) AS there, sum(on_hand) AS on_hand, sum(allocated) AS allocated,
              sum(reserved) AS reserved, sum(there - allocated - reserved) AS free
       FROM (
         SELECT t.variant_id, l.site_id, CASE WHEN l.sellable THEN t.quantity ELSE 0 END AS there,
                t.quantity AS on_hand, 0 AS allocated, 0 AS reserved
         FROM inventory_transactions t JOIN locations l ON l.id = t.location_id WHERE l.kind <> 'transit'
         UNION ALL
         SELECT variant_id, site_id, 0, 0, quantity, 0 FROM order_allocations WHERE state = 'open'
         UNION ALL
         SELECT variant_id, site_id, 0, 0, 0, quantity FROM reservations WHERE state = 'open'
       ) x GROUP BY 1, 2""",
    "ALTER TABLE shelves ADD PRIMARY KEY (variant_id, site_id)",
    """CREATE TEMP TABLE waits AS
       SELECT l.id, l.order_id, l.variant_id, l.kit, x.waiting, o.fulfilment, o.placed_at
       FROM order_lines l JOIN orders o ON o.id = l.order_id
       CROSS JOIN LATERAL (SELECT l.quantity - l.allocated - l.shipped - l.cancelled - l.refused AS waiting) x
       WHERE x.waiting <> 0""",
    """CREATE TEMP TABLE fills AS
       SELECT f.variant_id, f.id, m.id AS order_id, m.placed_at
       FROM allocation_audit_log f JOIN order_lines n ON n.id = f.line_id JOIN orders m ON m.id = n.order_id
       WHERE f.action = 'filled' AND NOT n.kit AND m.fulfilment <> 'complete'""",
    "CREATE INDEX ON fills (variant_id, id)",
    "ANALYZE shelves, waits, fills, acknowledged, sent, moved",
)

TRUTHS: Final[tuple[Truth, ...]] = (
    Truth("oversold", "What is promised of an item at a site is there", """
        SELECT concat('variant ', variant_id, ', site ', site_id, ': ', there, ' there, ', allocated, ' allocated, ',
                      reserved, ' reserved'), allocated + reserved > greatest(there, 0)
        FROM shelves"""),
    Truth("lost", "Every acknowledged order is there, under the id that was told", """
        SELECT a.external_id, o.id IS DISTINCT FROM a.order_id
        FROM acknowledged a LEFT JOIN orders o ON o.channel = a.channel AND o.external_id = a.external_id"""),
    Truth("doubled", "No external id is there twice", """
        SELECT concat(channel, ' ', external_id), count(*) > 1 FROM orders GROUP BY channel, external_id"""),
    Truth("unasked", "Every order there was sent, acknowledged, and was none of the bad ones", """
        SELECT o.external_id, s.good IS NOT TRUE OR a.external_id IS NULL
        FROM orders o LEFT JOIN sent s USING (external_id) LEFT JOIN acknowledged a USING (external_id)"""),
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
    Truth("explained", "Each line was decided once, and the log says how", """
        SELECT concat('line ', l.id), coalesce(g.decisions, 0) <> 1 OR g.asked <> l.quantity
        FROM order_lines l LEFT JOIN (
          SELECT line_id, count(*) AS decisions, max(asked) AS asked FROM allocation_audit_log
          WHERE action IN ('allocated', 'partly_allocated', 'backordered', 'refused') GROUP BY 1) g
        ON g.line_id = l.id"""),
    Truth("accounted", "What the log gave a line and took from it comes to what it holds", """
        SELECT concat('line ', l.id, ': ', l.allocated, ', by the log ', coalesce(g.held, 0)),
               coalesce(g.held, 0) <> l.allocated
        FROM order_lines l LEFT JOIN (
          SELECT line_id, sum(CASE WHEN action IN ('allocated', 'partly_allocated', 'filled') THEN given
                                   WHEN action IN ('released', 'shipped') THEN -asked
                                   WHEN action = 'cancelled' THEN -(facts ->> 'given_back')::numeric ELSE 0 END) AS held
          FROM allocation_audit_log GROUP BY 1) g ON g.line_id = l.id"""),
    Truth("positions", "On hand, allocated and reserved of each position are the sums of their rows", """
        SELECT concat('variant ', variant_id, ', site ', site_id),
               coalesce(p.on_hand, 0) <> coalesce(s.on_hand, 0)
               OR coalesce(p.on_hand - p.unsellable, 0) <> coalesce(s.there, 0)
               OR coalesce(p.allocated, 0) <> coalesce(s.allocated, 0)
               OR coalesce(p.reserved, 0) <> coalesce(s.reserved, 0)
        FROM inventory_positions p FULL JOIN shelves s USING (variant_id, site_id)"""),
    Truth("idle", "No stock is free while a line waits that could have it", """
        SELECT concat('line ', w.id), EXISTS (
          SELECT FROM shelves s WHERE s.variant_id = w.variant_id AND s.free > 0)
        FROM waits w WHERE NOT w.kit AND w.fulfilment <> 'complete'"""),
    Truth("idle_kits", "No kit could be made at one site while a line waits for it", """
        SELECT concat('line ', w.id), EXISTS (
          SELECT FROM kit_components k JOIN shelves s ON s.variant_id = k.component_id AND s.free >= k.quantity
          WHERE k.kit_id = w.variant_id GROUP BY s.site_id
          HAVING count(*) = (SELECT count(*) FROM kit_components n WHERE n.kit_id = w.variant_id))
        FROM waits w WHERE w.kit AND w.fulfilment <> 'complete'"""),
    Truth("idle_whole", "No order waits to go as a whole while all that it misses is free", """
        SELECT concat('order ', x.order_id), bool_and(x.missing <= x.free) FROM (
          SELECT w.order_id, w.variant_id, sum(w.waiting) AS missing,
                 coalesce((SELECT sum(greatest(s.free, 0)) FROM shelves s WHERE s.variant_id = w.variant_id), 0) AS free
          FROM waits w WHERE w.fulfilment = 'complete'
            AND NOT EXISTS (SELECT FROM order_lines k WHERE k.order_id = w.order_id AND k.kit)
          GROUP BY 1, 2) x GROUP BY x.order_id"""),
    Truth("in_turn", "Nobody was given stock that came while an earlier one waited for it", """
        SELECT concat('line ', w.id), EXISTS (
          SELECT FROM fills f
          WHERE f.variant_id = w.variant_id AND f.id > g.id AND f.order_id <> w.order_id AND f.placed_at > w.placed_at)
        FROM waits w
        CROSS JOIN LATERAL (SELECT max(id) AS id FROM allocation_audit_log WHERE order_id = w.order_id
          AND line_id = w.id AND action IN ('backordered', 'partly_allocated', 'released')) g
        WHERE NOT w.kit AND w.fulfilment <> 'complete'"""),
    Truth("statuses", "An order's status is what its lines come to", """
        SELECT concat('order ', o.id, ' ', o.status), o.status <> CASE
          WHEN x.shipped > 0 THEN CASE WHEN x.allocated + x.waiting > 0 THEN 'PARTLY_SHIPPED' ELSE 'SHIPPED' END
          WHEN x.gone = x.quantity THEN 'CANCELLED'
          WHEN x.waiting = 0 THEN 'ALLOCATED'
          WHEN x.allocated > 0 THEN 'PARTLY_ALLOCATED' ELSE 'BACKORDERED' END
        FROM orders o JOIN (
          SELECT order_id, sum(quantity) AS quantity, sum(allocated) AS allocated, sum(shipped) AS shipped,
                 sum(cancelled + refused) AS gone, sum(backordered) AS waiting FROM order_lines GROUP BY 1) x
          ON x.order_id = o.id"""),
    Truth("moved", "Goods that came or were lost were written once", """
        SELECT m.key, count(p.id) <> 1 FROM moved m LEFT JOIN postings p ON p.idempotency_key = m.key
        GROUP BY m.key"""),
)  # fmt: skip


def examine(connection: psycopg.Connection[Any], told: Told) -> list[Finding]:
    """Look at each truth, all in one transaction: in one snapshot, where the connection is REPEATABLE READ."""
    found: list[Finding] = []
    with connection.transaction(), connection.cursor() as cursor:
        for statement in PREPARE:
            cursor.execute(statement)
        _copy(cursor, "acknowledged", ((name, told.channels[name], at) for name, at in told.orders.items()))
        _copy(cursor, "sent", [*((name, True) for name in told.good), *((name, False) for name in told.bad)])
        _copy(cursor, "moved", ((key,) for key in told.moves))
        for statement in LOOK:
            cursor.execute(statement)
        cursor.execute("SET LOCAL work_mem = '64MB'")
        found += [_examined(cursor, truth) for truth in TRUTHS]
    return [*found, *_answers(told)]


def _examined(cursor: psycopg.Cursor[Any], truth: Truth) -> Finding:
    counted = sql.SQL("""
        SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(what) FILTER (WHERE wrong))[1:5]
        FROM ({}) x (what, wrong)""").format(sql.SQL(truth.text))
    row = cursor.execute(counted).fetchone()
    assert row is not None
    return Finding(name=truth.name, meaning=truth.meaning, looked_at=row[0], wrong=row[1], examples=row[2] or [])


def _answers(told: Told) -> list[Finding]:
    """What the answers themselves show."""
    return [
        Finding(name="one_answer", meaning="The same order sent again is answered with the same id",
                looked_at=len(told.orders), wrong=told.doubled),
        Finding(name="answers", meaning="Good orders are taken, bad ones refused with a reason, nothing else is said",
                looked_at=told.counts["requests"], wrong=told.surprised, examples=told.surprises),
    ]  # fmt: skip


def _copy(cursor: psycopg.Cursor[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as out:
        for row in rows:
            out.write_row(row)
