"""What the truths look at: tables made for the time of looking, from the rows of ledger, orders and log."""

from typing import Final, LiteralString

__all__ = ["LOOK", "PREPARE", "TALLY"]

PREPARE: Final[tuple[LiteralString, ...]] = (
    "CREATE TEMP TABLE sent (channel text, external_id text, good boolean) ON COMMIT DROP",
    "CREATE TEMP TABLE told (channel text, external_id text, order_id bigint) ON COMMIT DROP",
    "CREATE TEMP TABLE moved (key text) ON COMMIT DROP",
    "CREATE TEMP TABLE held (channel text, holder text, units bigint) ON COMMIT DROP",
)
LOOK: Final[tuple[LiteralString, ...]] = (
    "CREATE TEMP TABLE asked ON COMMIT DROP AS SELECT DISTINCT channel, external_id, good FROM sent",
    """CREATE TEMP TABLE acknowledged ON COMMIT DROP AS
       SELECT channel, external_id, min(order_id) AS order_id, count(DISTINCT order_id) AS ids
       FROM told GROUP BY 1, 2""",
    # Lots whose last day was brought forward while orders came: prove writes them down as it does it.
    "CREATE TEMP TABLE spoiled (lot_id bigint) ON COMMIT DROP",
    # What lies at each place, by lot, from the ledger's rows.
    """CREATE TEMP TABLE heaps ON COMMIT DROP AS
       SELECT t.variant_id, t.location_id, l.site_id, t.lot_id, l.sellable AND l.kind <> 'transit' AS sellable,
              l.kind = 'transit' AS transit, sum(t.quantity) AS on_hand
       FROM inventory_transactions t JOIN locations l ON l.id = t.location_id GROUP BY 1, 2, 3, 4, 5, 6""",
    # What is promised of each item, at each site, of each lot.
    """CREATE TEMP TABLE promised ON COMMIT DROP AS
       SELECT variant_id, site_id, lot_id, sum(allocated) AS allocated, sum(reserved) AS reserved
       FROM (
         SELECT variant_id, site_id, lot_id, quantity AS allocated, 0 AS reserved FROM order_allocations
         WHERE state = 'open'
         UNION ALL
         SELECT variant_id, site_id, lot_id, 0, quantity FROM reservations WHERE state = 'open') x GROUP BY 1, 2, 3""",
    """CREATE TEMP TABLE shelves ON COMMIT DROP AS
       SELECT variant_id, site_id, sum(there) AS there, sum(on_hand) AS on_hand, sum(allocated) AS allocated,
              sum(reserved) AS reserved, sum(there - allocated - reserved) AS free
       FROM (
         SELECT variant_id, site_id, CASE WHEN sellable THEN on_hand ELSE 0 END AS there, on_hand, 0 AS allocated,
                0 AS reserved FROM heaps WHERE NOT transit
         UNION ALL SELECT variant_id, site_id, 0, 0, allocated, reserved FROM promised) x GROUP BY 1, 2""",
    "ALTER TABLE shelves ADD PRIMARY KEY (variant_id, site_id)",
    """CREATE TEMP TABLE waits ON COMMIT DROP AS
       SELECT l.id, l.order_id, l.variant_id, l.kit, x.waiting, o.fulfilment, o.placed_at, o.min_life_days
       FROM order_lines l JOIN orders o ON o.id = l.order_id
       CROSS JOIN LATERAL (SELECT l.quantity - l.allocated - l.shipped - l.cancelled - l.refused AS waiting) x
       WHERE x.waiting <> 0""",
    # What is free for orders whose goods must last so many days: of items with lots, what is free of lots that do.
    """CREATE TEMP TABLE free ON COMMIT DROP AS
       SELECT s.variant_id, s.site_id, d.days, CASE WHEN i.tracking = 'lot' THEN least(s.free, coalesce(x.free, 0))
                                                    ELSE s.free END AS free
       FROM shelves s JOIN product_variants i ON i.id = s.variant_id
       CROSS JOIN (SELECT DISTINCT min_life_days AS days FROM waits) d
       LEFT JOIN LATERAL (
         SELECT sum(greatest(h.on_hand - coalesce(p.allocated + p.reserved, 0), 0)) AS free
         FROM (SELECT lot_id, sum(on_hand) AS on_hand FROM heaps h
               WHERE h.variant_id = s.variant_id AND h.site_id = s.site_id AND h.sellable GROUP BY 1) h
         JOIN lots t ON t.id = h.lot_id AND NOT t.blocked
          AND (t.expires_on IS NULL OR t.expires_on >= (now() AT TIME ZONE 'UTC')::date + d.days)
         LEFT JOIN promised p ON p.variant_id = s.variant_id AND p.site_id = s.site_id AND p.lot_id = h.lot_id
         WHERE i.tracking = 'lot') x ON true""",
    "CREATE INDEX ON free (variant_id, days)",
    # Goods given to those who waited; of each and all after it, when the youngest order was placed that was given some,
    # and that asked for goods that last as long.
    """CREATE TEMP TABLE fills ON COMMIT DROP AS
       SELECT f.variant_id, d.days, f.id,
              max(m.placed_at) OVER (PARTITION BY f.variant_id, d.days ORDER BY f.id DESC) AS youngest
       FROM allocation_audit_log f JOIN order_lines n ON n.id = f.line_id JOIN orders m ON m.id = n.order_id
       JOIN (SELECT DISTINCT min_life_days AS days FROM waits) d ON m.min_life_days >= d.days
       WHERE f.action = 'filled' AND NOT n.kit AND m.fulfilment <> 'complete' AND m.jumps = 0""",
    "CREATE INDEX ON fills (variant_id, days, id)",
    # What the log tells of lines, and for each line the last change: it says what the line had then.
    """CREATE TEMP VIEW told_of_lines AS
       SELECT g.line_id, g.id, g.action, g.asked, g.given, g.facts, c.changed
       FROM allocation_audit_log g LEFT JOIN (
         SELECT line_id, max(id) AS changed FROM allocation_audit_log WHERE action = 'changed' GROUP BY 1
       ) c USING (line_id)
       WHERE g.line_id IS NOT NULL""",
    "ANALYZE shelves, waits, fills, free, acknowledged, asked, moved, held, heaps, promised",
)
TALLY: Final[LiteralString] = """
SELECT 'orders', count(*) FROM orders
UNION ALL SELECT 'lines', count(*) FROM order_lines
UNION ALL SELECT x.name, x.units FROM (
  SELECT sum(quantity) AS units, sum(allocated) AS allocated, sum(shipped) AS shipped, sum(cancelled) AS cancelled,
         sum(refused) AS refused, sum(backordered) AS waiting FROM order_lines) s
CROSS JOIN LATERAL (VALUES ('units', units), ('units_allocated', allocated), ('units_shipped', shipped),
  ('units_cancelled', cancelled), ('units_refused', refused), ('units_waiting', waiting)) AS x (name, units)
UNION ALL (SELECT concat('log_', action), count(*) FROM allocation_audit_log GROUP BY 1 ORDER BY 1)
UNION ALL (SELECT concat('reservations_', state), count(*) FROM reservations GROUP BY 1 ORDER BY 1)"""
