-- Writing -------------------------------------------------------------------------------------------------------------

-- name: lock_positions
SELECT ledger_lock(%(variant_ids)s::bigint[], %(location_ids)s::bigint[], %(also_variants)s::bigint[], %(also_sites)s::bigint[]);

-- name: levels_of
-- Read after lock_positions: nobody else changes them until this transaction ends.
SELECT v.variant_id, v.location_id, v.lot_id, v.on_hand, v.negative_allowed, v.version
FROM unnest(%(variant_ids)s::bigint[], %(location_ids)s::bigint[], %(lot_ids)s::bigint[]) AS k (variant_id, location_id, lot_id)
JOIN inventory_levels v USING (variant_id, location_id, lot_id);

-- name: append
-- The posting and its rows in one statement, so that they share one recorded_at (statement_timestamp, after the locks).
WITH posting AS (
  INSERT INTO postings (effective_at, actor_id, approved_by, command, idempotency_key, reason_code, reference_type,
                        reference_id, note)
  VALUES (%(effective_at)s, %(actor_id)s, %(approved_by)s, %(command)s, %(key)s, %(reason_code)s, %(reference_type)s,
          %(reference_id)s, %(note)s)
  RETURNING id, recorded_at
), appended AS (
  INSERT INTO inventory_transactions (posting_id, effective_at, variant_id, location_id, lot_id, serial_id, corrects_id,
                                      line_no, type, quantity, unit_cost, reason_code, reference_type, reference_id)
  SELECT p.id, coalesce(r.effective_at, %(effective_at)s), r.variant_id, r.location_id, r.lot_id, r.serial_id,
         r.corrects_id, r.line_no, r.type, r.quantity, r.unit_cost, coalesce(r.reason_code, %(reason_code)s),
         coalesce(r.reference_type, %(reference_type)s), coalesce(r.reference_id, %(reference_id)s)
  FROM posting p, unnest(
    %(effective_ats)s::timestamptz[], %(variant_ids)s::bigint[], %(location_ids)s::bigint[], %(lot_ids)s::bigint[],
    %(serial_ids)s::bigint[], %(corrects_ids)s::bigint[], %(line_nos)s::integer[], %(types)s::transaction_type[],
    %(quantities)s::numeric[], %(unit_costs)s::numeric[], %(reason_codes)s::text[], %(reference_types)s::text[],
    %(reference_ids)s::text[]
  ) AS r (effective_at, variant_id, location_id, lot_id, serial_id, corrects_id, line_no, type, quantity, unit_cost,
          reason_code, reference_type, reference_id)
  RETURNING id
)
SELECT p.id AS posting_id, p.recorded_at, %(effective_at)s::timestamptz AS effective_at,
       a.rows, a.first_row_id, a.last_row_id
FROM posting p, (SELECT count(*)::integer AS rows, min(id) AS first_row_id, max(id) AS last_row_id FROM appended) a;

-- name: make_partitions
SELECT ledger_make_partitions(%(first_month)s::date, %(months)s::integer);

-- name: make_serials
INSERT INTO serialised_stock (variant_id, serial, lot_id)
SELECT DISTINCT ON (variant_id, upper(serial)) variant_id, serial, lot_id
FROM unnest(%(variant_ids)s::bigint[], %(serials)s::text[], %(lot_ids)s::bigint[]) AS n (variant_id, serial, lot_id)
ORDER BY variant_id, upper(serial)
ON CONFLICT DO NOTHING;

-- name: serials_by_name
SELECT s.id, s.variant_id, s.serial, s.status, s.location_id, upper(s.serial) AS upper_serial
FROM unnest(%(variant_ids)s::bigint[], %(serials)s::text[]) AS n (variant_id, serial)
JOIN serialised_stock s ON s.variant_id = n.variant_id AND upper(s.serial) = upper(n.serial);

-- name: make_lots
INSERT INTO lots (variant_id, number, expires_on)
SELECT DISTINCT ON (variant_id, upper(number)) variant_id, number, expires_on
FROM unnest(%(variant_ids)s::bigint[], %(numbers)s::text[], %(expires)s::date[]) AS n (variant_id, number, expires_on)
ORDER BY variant_id, upper(number)
ON CONFLICT DO NOTHING;

-- name: lots_by_name
SELECT l.id, l.variant_id, l.number, l.expires_on::text AS expires_on, l.blocked, upper(l.number) AS upper_number
FROM unnest(%(variant_ids)s::bigint[], %(numbers)s::text[]) AS n (variant_id, number)
JOIN lots l ON l.variant_id = n.variant_id AND upper(l.number) = upper(n.number);

-- name: negative_allowed
SELECT id FROM locations WHERE id = ANY (%(location_ids)s::bigint[]) AND negative_allowed;

-- name: outcomes
SELECT v.variant_id, i.sku, v.location_id, l.code AS location, nullif(t.number, '') AS lot, k.change, v.on_hand, v.version
FROM unnest(%(variant_ids)s::bigint[], %(location_ids)s::bigint[], %(lot_ids)s::bigint[], %(changes)s::numeric[])
     AS k (variant_id, location_id, lot_id, change)
JOIN inventory_levels v USING (variant_id, location_id, lot_id)
JOIN product_variants i ON i.id = v.variant_id
JOIN locations l ON l.id = v.location_id
JOIN lots t ON t.id = v.lot_id
ORDER BY i.sku, l.code;

-- Correcting ----------------------------------------------------------------------------------------------------------

-- name: rows_to_reverse
SELECT t.id, t.posting_id, t.line_no, t.type::text AS type, t.variant_id, t.location_id, t.quantity, t.lot_id, t.serial_id,
       t.unit_cost, t.effective_at, t.reason_code, t.reference_type, t.reference_id, t.corrects_id
FROM inventory_transactions t WHERE t.id = ANY (%(row_ids)s::bigint[]) ORDER BY t.id;

-- name: rows_to_correct
-- The row and, for a transfer, its other half (same posting and line, and the same serial where there is one).
SELECT t.id, t.posting_id, t.line_no, t.type::text AS type, t.variant_id, t.location_id, t.quantity, t.lot_id, t.serial_id,
       t.unit_cost, t.effective_at, t.reason_code, t.reference_type, t.reference_id, t.corrects_id
FROM inventory_transactions t
WHERE t.id = %(row_id)s
UNION ALL
SELECT o.id, o.posting_id, o.line_no, o.type::text, o.variant_id, o.location_id, o.quantity, o.lot_id, o.serial_id,
       o.unit_cost, o.effective_at, o.reason_code, o.reference_type, o.reference_id, o.corrects_id
FROM inventory_transactions t
JOIN inventory_transactions o ON o.posting_id = t.posting_id AND o.line_no = t.line_no AND o.id <> t.id
 AND o.serial_id IS NOT DISTINCT FROM t.serial_id AND o.type IN ('TRANSFER_IN', 'TRANSFER_OUT')
 AND o.quantity = -t.quantity AND (o.corrects_id IS NULL) = (t.corrects_id IS NULL)
WHERE t.id = %(row_id)s AND t.type IN ('TRANSFER_IN', 'TRANSFER_OUT')
ORDER BY id;

-- name: claim_correction
INSERT INTO corrections (corrected_id, posting_id)
SELECT id, %(posting_id)s FROM unnest(%(ids)s::bigint[]) AS c (id);

-- name: correction_of
SELECT corrected_id, posting_id FROM corrections WHERE corrected_id = ANY (%(ids)s::bigint[]) ORDER BY corrected_id LIMIT 1;

-- Transfers in two steps ----------------------------------------------------------------------------------------------

-- name: transit_of
SELECT id FROM locations WHERE site_id = %(site_id)s AND kind = 'transit' AND active ORDER BY id LIMIT 1;

-- name: make_transfer
WITH made AS (
  INSERT INTO transfers (from_location_id, to_location_id, transit_id, expected_at, note, created_by)
  VALUES (%(from_location_id)s, %(to_location_id)s, %(transit_id)s, %(expected_at)s, %(note)s, %(created_by)s)
  RETURNING id
), lines AS (
  INSERT INTO transfer_lines (transfer_id, line_no, variant_id, lot_id, serial_id, sent, unit_cost)
  SELECT m.id, n.line_no, n.variant_id, n.lot_id, n.serial_id, n.sent, n.unit_cost
  FROM made m, unnest(%(line_nos)s::integer[], %(variant_ids)s::bigint[], %(lot_ids)s::bigint[], %(serial_ids)s::bigint[],
                      %(quantities)s::numeric[], %(unit_costs)s::numeric[])
       AS n (line_no, variant_id, lot_id, serial_id, sent, unit_cost)
)
SELECT id FROM made;

-- name: lock_transfer
SELECT status FROM transfers WHERE id = %(transfer_id)s FOR UPDATE;

-- name: advance_transfer
WITH done AS (
  UPDATE transfer_lines l
  SET received = l.received + n.received, lost = l.lost + n.lost, returned = l.returned + n.returned
  FROM unnest(%(line_nos)s::integer[], %(received)s::numeric[], %(lost)s::numeric[], %(returned)s::numeric[])
       AS n (line_no, received, lost, returned)
  WHERE l.transfer_id = %(transfer_id)s AND l.line_no = n.line_no
)
UPDATE transfers SET status = %(status)s, version = version + 1 WHERE id = %(transfer_id)s;

-- name: transfer_head
SELECT t.id, t.status, t.from_location_id, f.code AS from_location, t.to_location_id, o.code AS to_location, t.transit_id,
       t.expected_at, t.note, t.created_by, t.created_at, t.version
FROM transfers t JOIN locations f ON f.id = t.from_location_id JOIN locations o ON o.id = t.to_location_id
WHERE t.id = %(transfer_id)s
  AND (%(scope)s::bigint[] IS NULL OR f.path && %(scope)s::bigint[] OR o.path && %(scope)s::bigint[]);

-- name: transfer_lines
SELECT l.line_no, l.variant_id, i.sku, l.lot_id, nullif(t.number, '') AS lot, l.serial_id, s.serial, l.sent, l.received,
       l.returned, l.lost
FROM transfer_lines l
JOIN product_variants i ON i.id = l.variant_id JOIN lots t ON t.id = l.lot_id
LEFT JOIN serialised_stock s ON s.id = l.serial_id
WHERE l.transfer_id = %(transfer_id)s ORDER BY l.line_no;

-- name: transfers
SELECT t.id, t.status, t.from_location_id, f.code AS from_location, t.to_location_id, o.code AS to_location, t.transit_id,
       t.expected_at, t.note, t.created_by, t.created_at, t.version
FROM transfers t JOIN locations f ON f.id = t.from_location_id JOIN locations o ON o.id = t.to_location_id
WHERE (%(scope)s::bigint[] IS NULL OR f.path && %(scope)s::bigint[] OR o.path && %(scope)s::bigint[])
  AND (%(status)s::text IS NULL OR t.status = %(status)s)
  AND (%(after)s::bigint IS NULL OR t.id < %(after)s)
ORDER BY t.id DESC LIMIT %(limit)s;

-- Approvals -----------------------------------------------------------------------------------------------------------

-- name: reasons
SELECT code, name, used_for::text[] AS used_for, approval_above_quantity, approval_above_value, active, version
FROM reason_codes ORDER BY code;

-- name: reason
SELECT code, name, used_for::text[] AS used_for, approval_above_quantity, approval_above_value, active, version
FROM reason_codes WHERE code = lower(%(code)s);

-- name: make_request
INSERT INTO adjustment_requests (command, body, path_sites, why, requested_by)
VALUES (%(command)s, %(body)s::jsonb, %(location_ids)s::bigint[], %(why)s, %(requested_by)s)
RETURNING id, requested_at;

-- name: lock_request
SELECT id, status, command, body, path_sites, why, requested_by, version
FROM adjustment_requests WHERE id = %(request_id)s FOR UPDATE;

-- name: decide_request
UPDATE adjustment_requests
SET status = %(status)s, decided_by = %(decided_by)s, decided_at = now(), decision_note = %(note)s,
    posting_id = %(posting_id)s, version = version + 1
WHERE id = %(request_id)s;

-- name: requests
SELECT r.id, r.status, r.command, r.body, r.why, r.requested_by, p.name AS requested_by_name, r.requested_at, r.decided_by,
       r.decided_at, r.decision_note, r.posting_id, r.version
FROM adjustment_requests r JOIN people p ON p.id = r.requested_by
WHERE (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(request_id)s::bigint IS NULL OR r.id = %(request_id)s)
  AND (%(after)s::bigint IS NULL OR r.id < %(after)s)
  AND (%(scope)s::bigint[] IS NULL OR NOT EXISTS (
        SELECT FROM locations l WHERE l.id = ANY (r.path_sites) AND NOT l.path && %(scope)s::bigint[]))
ORDER BY r.id DESC LIMIT %(limit)s;

-- Taking an import back ------------------------------------------------------------------------------------------------

-- name: lock_postings
SELECT ledger_lock(array_agg(t.variant_id), array_agg(t.location_id))
FROM (SELECT DISTINCT variant_id, location_id FROM inventory_transactions WHERE posting_id = ANY (%(posting_ids)s::bigint[])) t;

-- name: short_without
-- Levels that would fall below zero if the postings had never been.
SELECT i.sku, l.code AS location, n.brought, v.on_hand
FROM (
  SELECT t.variant_id, t.location_id, t.lot_id, sum(t.quantity) AS brought FROM inventory_transactions t
  WHERE t.posting_id = ANY (%(posting_ids)s::bigint[]) AND NOT EXISTS (SELECT FROM corrections c WHERE c.corrected_id = t.id)
  GROUP BY 1, 2, 3
) n
JOIN inventory_levels v USING (variant_id, location_id, lot_id)
JOIN product_variants i ON i.id = n.variant_id
JOIN locations l ON l.id = n.location_id
WHERE v.on_hand - n.brought < 0 AND NOT v.negative_allowed
ORDER BY i.sku, l.code LIMIT 20;

-- name: what_reversal_moves
-- What taking back these postings would move, summed by item, place and lot.
SELECT t.variant_id, t.location_id, t.lot_id, -sum(t.quantity) AS quantity, min(t.id) AS corrects_id, min(t.type) AS type
FROM inventory_transactions t
WHERE t.posting_id = ANY (%(posting_ids)s::bigint[]) AND NOT EXISTS (SELECT FROM corrections c WHERE c.corrected_id = t.id)
GROUP BY 1, 2, 3 HAVING sum(t.quantity) <> 0 ORDER BY 1, 2, 3;

-- name: reverse_postings
-- One posting that takes back all rows of the postings that were not corrected yet; the rows name what they take back.
WITH posting AS (
  INSERT INTO postings (effective_at, actor_id, command, reference_type, reference_id, note)
  VALUES (now(), %(actor_id)s, 'import_undo', 'import', %(reference_id)s, %(note)s)
  RETURNING id
), back AS (
  INSERT INTO inventory_transactions (posting_id, effective_at, variant_id, location_id, lot_id, serial_id, corrects_id,
                                      line_no, type, quantity, unit_cost, reason_code, reference_type, reference_id)
  SELECT p.id, t.effective_at, t.variant_id, t.location_id, t.lot_id, t.serial_id, t.id, t.line_no, t.type, -t.quantity,
         t.unit_cost, t.reason_code, t.reference_type, t.reference_id
  FROM posting p, inventory_transactions t
  WHERE t.posting_id = ANY (%(posting_ids)s::bigint[]) AND NOT EXISTS (SELECT FROM corrections c WHERE c.corrected_id = t.id)
  RETURNING corrects_id
), claimed AS (
  INSERT INTO corrections (corrected_id, posting_id) SELECT b.corrects_id, p.id FROM back b, posting p
)
SELECT count(*)::integer FROM back;
