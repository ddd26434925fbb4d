-- Sealing, checking, checkpoints and archive.

-- name: seal
SELECT ledger_seal(%(most)s::integer);

-- name: seal_range
SELECT min(id) AS first_seal, max(id) AS last_seal, coalesce(sum(row_count), 0)::bigint AS rows,
       (SELECT encode(hash, 'hex') FROM ledger_seals ORDER BY id DESC LIMIT 1) AS head,
       (SELECT through_id FROM ledger_seals ORDER BY id DESC LIMIT 1) AS through_id
FROM ledger_seals;

-- name: check_seals
SELECT seal_id, row_count, whole, linked FROM ledger_check_seals(%(first_seal)s, %(last_seal)s);

-- name: broken_rows
SELECT row_id, what FROM ledger_broken_rows(%(seal_id)s) LIMIT 100;

-- name: check_levels
-- Every level against the sum of its rows (and of those in the archive).
SELECT coalesce(s.variant_id, v.variant_id) AS variant_id, coalesce(s.location_id, v.location_id) AS location_id,
       coalesce(s.lot_id, v.lot_id) AS lot_id, coalesce(s.on_hand, 0) AS by_ledger, coalesce(v.on_hand, 0) AS by_level
FROM (
  SELECT x.variant_id, x.location_id, x.lot_id, sum(x.quantity) AS on_hand FROM (
    SELECT variant_id, location_id, lot_id, quantity FROM inventory_transactions
    UNION ALL SELECT variant_id, location_id, lot_id, on_hand FROM ledger_opening) x
  GROUP BY 1, 2, 3
) s
FULL JOIN inventory_levels v ON v.variant_id = s.variant_id AND v.location_id = s.location_id AND v.lot_id = s.lot_id
WHERE coalesce(s.on_hand, 0) <> coalesce(v.on_hand, 0) LIMIT 100;

-- name: check_positions
SELECT coalesce(s.variant_id, p.variant_id) AS variant_id, coalesce(s.site_id, p.site_id) AS site_id,
       s.on_hand AS on_hand_by_levels, p.on_hand, s.unsellable AS unsellable_by_levels, p.unsellable,
       s.in_transit AS in_transit_by_levels, p.in_transit
FROM (
  SELECT v.variant_id, l.site_id,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit' AND NOT l.sellable), 0) AS unsellable,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id GROUP BY 1, 2
) s
FULL JOIN inventory_positions p ON p.variant_id = s.variant_id AND p.site_id = s.site_id
WHERE (coalesce(s.on_hand, 0), coalesce(s.unsellable, 0), coalesce(s.in_transit, 0))
      IS DISTINCT FROM (coalesce(p.on_hand, 0), coalesce(p.unsellable, 0), coalesce(p.in_transit, 0))
LIMIT 100;

-- name: check_negative
SELECT v.variant_id, v.location_id, v.lot_id, v.on_hand
FROM inventory_levels v JOIN locations l ON l.id = v.location_id
WHERE v.on_hand < 0 AND NOT l.negative_allowed LIMIT 100;

-- name: check_serials
-- A serial's rows add up to 1 where it is, and to 0 everywhere else.
SELECT s.id AS serial_id, s.serial, s.location_id, x.location_id AS by_ledger_at, x.quantity AS by_ledger
FROM serialised_stock s
FULL JOIN (
  SELECT serial_id, location_id, sum(quantity) AS quantity FROM inventory_transactions
  WHERE serial_id IS NOT NULL GROUP BY 1, 2 HAVING sum(quantity) <> 0
) x ON x.serial_id = s.id
WHERE s.id IS NULL OR (s.location_id IS NOT NULL) <> (x.serial_id IS NOT NULL)
   OR x.location_id <> s.location_id OR x.quantity <> 1
LIMIT 100;

-- name: check_transfers
-- The two rows of a transfer's line add up to nothing. A receipt that lost some on the way has its write-off in the line too.
SELECT t.posting_id, t.line_no, sum(t.quantity) AS sum
FROM inventory_transactions t
WHERE t.type IN ('TRANSFER_OUT', 'TRANSFER_IN')
GROUP BY t.posting_id, t.line_no HAVING sum(t.quantity) <> 0 LIMIT 100;

-- name: check_in_transit
-- What lies in transit is what open transfers have on the way.
SELECT coalesce(o.transit_id, v.location_id) AS location_id, coalesce(o.variant_id, v.variant_id) AS variant_id,
       coalesce(o.open, 0) AS by_transfers, coalesce(v.on_hand, 0) AS on_hand
FROM (
  SELECT t.transit_id, l.variant_id, l.lot_id, sum(l.sent - l.received - l.returned - l.lost) AS open
  FROM transfers t JOIN transfer_lines l ON l.transfer_id = t.id WHERE t.status = 'IN_TRANSIT' GROUP BY 1, 2, 3
) o
FULL JOIN (
  SELECT v.* FROM inventory_levels v JOIN locations p ON p.id = v.location_id AND p.kind = 'transit' WHERE v.on_hand <> 0
) v ON v.location_id = o.transit_id AND v.variant_id = o.variant_id AND v.lot_id = o.lot_id
WHERE coalesce(o.open, 0) > coalesce(v.on_hand, 0) LIMIT 100;

-- name: check_postings
SELECT p.id AS posting_id FROM postings p
WHERE NOT EXISTS (SELECT FROM inventory_transactions t WHERE t.posting_id = p.id)
  AND NOT EXISTS (SELECT FROM ledger_archives a WHERE p.recorded_at >= a.month AND p.recorded_at < a.month + interval '1 month')
LIMIT 100;

-- name: check_checkpoint
-- The latest checkpoint against the ledger's rows that it knows.
SELECT coalesce(s.variant_id, c.variant_id) AS variant_id, coalesce(s.location_id, c.location_id) AS location_id,
       coalesce(s.on_hand, 0) AS by_ledger, coalesce(c.on_hand, 0) AS by_checkpoint
FROM (
  SELECT x.variant_id, x.location_id, x.lot_id, sum(x.quantity) AS on_hand FROM (
    SELECT t.variant_id, t.location_id, t.lot_id, t.quantity FROM inventory_transactions t
    WHERE t.id <= %(through_id)s AND t.effective_at <= %(as_of)s
    UNION ALL SELECT variant_id, location_id, lot_id, on_hand FROM ledger_opening) x
  GROUP BY 1, 2, 3 HAVING sum(x.quantity) <> 0
) s
FULL JOIN (SELECT * FROM stock_checkpoint_levels WHERE checkpoint_id = %(checkpoint_id)s) c
  ON c.variant_id = s.variant_id AND c.location_id = s.location_id AND c.lot_id = s.lot_id
WHERE coalesce(s.on_hand, 0) <> coalesce(c.on_hand, 0) LIMIT 100;

-- name: latest_checkpoint
SELECT id AS checkpoint_id, as_of, through_id, levels FROM stock_checkpoints WHERE ready ORDER BY as_of DESC, through_id DESC LIMIT 1;

-- name: count_rows
SELECT count(*) FROM inventory_transactions;

-- name: keep_check
INSERT INTO integrity_checks (started_at, passed, rows, head, findings, run_by)
VALUES (%(started_at)s, %(passed)s, %(rows)s, %(head)s, %(findings)s::jsonb, %(run_by)s) RETURNING id;

-- name: checks
SELECT id, started_at, finished_at, passed, rows, head, findings, run_by FROM integrity_checks
WHERE (%(after)s::bigint IS NULL OR id < %(after)s) ORDER BY id DESC LIMIT %(limit)s;

-- name: last_check
SELECT passed, finished_at FROM integrity_checks ORDER BY id DESC LIMIT 1;

-- name: advance_horizon
SELECT ledger_advance_horizon();

-- name: month_ends
-- Month ends that are settled (nothing but late rows can still come before them): how many rows happened in the month,
-- and the newest checkpoint there is, with how many rows it does not know because they came late.
WITH months AS (
  SELECT date_trunc('month', t.effective_at AT TIME ZONE 'UTC') AS month, count(*) AS rows
  FROM inventory_transactions t WHERE t.id <= %(through_id)s GROUP BY 1
)
SELECT e.as_of, m.rows, c.levels, coalesce(l.late, 0) AS late
FROM months m
CROSS JOIN LATERAL (SELECT (m.month + interval '1 month') AT TIME ZONE 'UTC' - interval '1 microsecond' AS as_of) e
LEFT JOIN LATERAL (
  SELECT c.through_id, c.levels FROM stock_checkpoints c WHERE c.ready AND c.as_of = e.as_of ORDER BY c.through_id DESC LIMIT 1
) c ON true
LEFT JOIN LATERAL (
  SELECT count(*) AS late FROM inventory_transactions t
  WHERE t.id > c.through_id AND t.id <= %(through_id)s AND t.effective_at <= e.as_of
    AND t.recorded_at - t.effective_at > interval '3 days'
) l ON c.through_id IS NOT NULL
WHERE e.as_of < now() - interval '5 days' AND e.as_of >= coalesce((SELECT max(last_at) FROM ledger_archives), '-infinity')
ORDER BY e.as_of;

-- name: begin_checkpoint
INSERT INTO stock_checkpoints (as_of, through_id) VALUES (%(as_of)s, %(through_id)s) ON CONFLICT DO NOTHING RETURNING id;

-- name: base_checkpoint
SELECT c.id AS base_id, c.as_of AS base_as_of, c.through_id AS base_through FROM stock_checkpoints c
WHERE c.ready AND c.as_of < %(as_of)s AND c.through_id <= %(through_id)s ORDER BY c.as_of DESC, c.through_id DESC LIMIT 1;

-- name: fill_checkpoint
-- From the checkpoint before it, if there is one, plus the rows between; those that came late for that one included.
-- A row is recorded a day before it happened at the earliest: that bound spares the months before.
INSERT INTO stock_checkpoint_levels (checkpoint_id, variant_id, location_id, lot_id, on_hand)
SELECT %(checkpoint_id)s, x.variant_id, x.location_id, x.lot_id, sum(x.quantity)
FROM (
  SELECT l.variant_id, l.location_id, l.lot_id, l.on_hand AS quantity
  FROM stock_checkpoint_levels l WHERE l.checkpoint_id = %(base_id)s::bigint
  UNION ALL
  SELECT o.variant_id, o.location_id, o.lot_id, o.on_hand FROM ledger_opening o WHERE %(base_id)s::bigint IS NULL
  UNION ALL
  SELECT t.variant_id, t.location_id, t.lot_id, t.quantity FROM inventory_transactions t
  WHERE t.effective_at > %(base_as_of)s::timestamptz AND t.effective_at <= %(as_of)s AND t.id <= %(through_id)s
    AND t.recorded_at > %(base_as_of)s::timestamptz - interval '2 days'
  UNION ALL
  SELECT t.variant_id, t.location_id, t.lot_id, t.quantity FROM inventory_transactions t
  WHERE t.effective_at <= %(base_as_of)s::timestamptz AND t.id > %(base_through)s AND t.id <= %(through_id)s
    AND t.recorded_at - t.effective_at > interval '3 days'
) x
GROUP BY 2, 3, 4 HAVING sum(x.quantity) <> 0 ORDER BY 2, 3, 4;

-- name: end_checkpoint
UPDATE stock_checkpoints SET ready = true, made_at = clock_timestamp(),
  levels = (SELECT count(*) FROM stock_checkpoint_levels WHERE checkpoint_id = %(checkpoint_id)s)
WHERE id = %(checkpoint_id)s RETURNING levels;

-- name: drop_old_generations
-- Of each month end the newest two are kept: the second for those who ask what was known before the newest was made.
WITH gone AS (
  DELETE FROM stock_checkpoints WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY as_of ORDER BY through_id DESC) AS generation
                    FROM stock_checkpoints WHERE ready) g WHERE generation > 2)
  RETURNING id
)
DELETE FROM stock_checkpoint_levels WHERE checkpoint_id IN (SELECT id FROM gone);

-- name: knows_head
SELECT EXISTS (SELECT FROM ledger_seals WHERE hash = decode(%(head)s, 'hex'));

-- Archive -------------------------------------------------------------------------------------------------------------

-- name: archives
SELECT month, file, sha256, rows, first_id, last_id, first_at, last_at, archived_at FROM ledger_archives ORDER BY month;

-- name: due_archives
-- Months with a partition that ended before the given one.
SELECT to_date(substring(c.relname FROM '\d{4}m\d{2}$'), 'YYYY"m"MM') AS month
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
WHERE h.inhparent = 'inventory_transactions'::regclass AND c.relname ~ '_y\d{4}m\d{2}$'
  AND to_date(substring(c.relname FROM '\d{4}m\d{2}$'), 'YYYY"m"MM') < %(before)s::date
ORDER BY 1;

-- name: broken_over
-- The first seal over these rows that does not hold; one that is missing counts too.
SELECT s.id AS seal_id FROM ledger_seals s, ledger_check_seals(s.id, s.id) c
WHERE s.through_id >= %(first_id)s AND s.after_id < %(last_id)s AND NOT (c.whole AND c.linked)
UNION ALL
SELECT 0 WHERE NOT EXISTS (SELECT FROM ledger_seals s WHERE s.through_id >= %(last_id)s)
LIMIT 1;

-- name: keep_digests
-- run as the owner
-- What the rows say, by seal, before they go; rows of other months stay where they are.
INSERT INTO ledger_archived_digests AS a (seal_id, digests)
SELECT s.id, string_agg(int8send(d.row_id) || d.digest, ''::bytea ORDER BY d.row_id)
FROM ledger_seals s, LATERAL ledger_digests(s.after_id, s.through_id) d
JOIN inventory_transactions t ON t.id = d.row_id
WHERE s.through_id >= %(first_id)s AND s.after_id < %(last_id)s
  AND t.recorded_at >= (%(month)s::date)::timestamp AT TIME ZONE 'UTC'
  AND t.recorded_at < (%(month)s::date + interval '1 month') AT TIME ZONE 'UTC'
GROUP BY s.id
ON CONFLICT (seal_id) DO UPDATE SET digests = a.digests || excluded.digests;

-- name: keep_archive
-- run as the owner
INSERT INTO ledger_archives (month, file, sha256, rows, first_id, last_id, first_at, last_at)
VALUES (%(month)s, %(file)s, %(sha256)s, %(rows)s, %(first_id)s, %(last_id)s, %(first_at)s, %(last_at)s);

-- name: drop_checkpoints_of_archive
-- Checkpoints before the last archived row cannot be gone on from: rows after them are no longer here.
WITH gone AS (
  DELETE FROM stock_checkpoints WHERE as_of < (SELECT max(last_at) FROM ledger_archives) RETURNING id
)
DELETE FROM stock_checkpoint_levels WHERE checkpoint_id IN (SELECT id FROM gone);

-- name: live_stock
SELECT t.variant_id, t.location_id, sum(t.quantity) AS quantity FROM inventory_transactions t
WHERE t.effective_at <= %(as_of)s AND (%(variant_id)s::bigint IS NULL OR t.variant_id = %(variant_id)s)
GROUP BY 1, 2;
