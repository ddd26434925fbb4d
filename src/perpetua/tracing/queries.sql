-- A node is a lot (serial 0) or a serial (lot 0). One posting's CONSUME rows are what its PRODUCE rows were made of.
-- A row that was taken back leads nowhere, unless it was written anew.

-- part: stands
(NOT EXISTS (SELECT FROM corrections k WHERE k.corrected_id = t.id)
 OR EXISTS (SELECT FROM corrections k JOIN inventory_transactions n ON n.posting_id = k.posting_id
            WHERE k.corrected_id = t.id AND n.corrects_id IS NULL AND n.type = t.type))

-- part: made_of_it
CROSS JOIN LATERAL (
  SELECT t.posting_id FROM inventory_transactions t
  WHERE r.serial_id = 0 AND t.lot_id = r.lot_id AND t.lot_id <> 0 AND t.type = 'CONSUME' AND t.corrects_id IS NULL AND
  -- with: stands
  UNION ALL
  SELECT t.posting_id FROM inventory_transactions t
  WHERE r.serial_id <> 0 AND t.serial_id = r.serial_id AND t.serial_id IS NOT NULL AND t.type = 'CONSUME'
    AND t.corrects_id IS NULL AND
  -- with: stands
) used
JOIN inventory_transactions t ON t.posting_id = used.posting_id AND t.type = 'PRODUCE' AND t.corrects_id IS NULL
 AND (t.lot_id <> 0 OR t.serial_id IS NOT NULL) AND
-- with: stands

-- name: forward
-- What became of a lot or serial, and of what was made of it: all but its coming; a transfer's two rows are one.
-- with: reached_forward
-- with: trace_rows
WHERE t.type NOT IN ('RECEIPT', 'TRANSFER_IN')
-- with: of_trace

-- name: backward
-- Where a lot or serial, and what it was made of, came from.
-- with: reached_backward
-- with: trace_rows
WHERE (t.type IN ('RECEIPT', 'PRODUCE') OR t.type IN ('RETURN', 'ADJUSTMENT') AND t.quantity > 0
       OR t.type = 'CONSUME' AND (t.lot_id, coalesce(t.serial_id, 0)) IS DISTINCT FROM (%(lot_id)s::bigint, %(serial_id)s::bigint))
-- with: of_trace

-- part: reached_forward
WITH RECURSIVE reached (lot_id, serial_id) AS (
  SELECT %(lot_id)s::bigint, %(serial_id)s::bigint
  UNION
  SELECT CASE WHEN t.serial_id IS NULL THEN t.lot_id ELSE 0 END, coalesce(t.serial_id, 0)
  FROM reached r
  -- with: made_of_it
),

-- part: reached_backward
WITH RECURSIVE reached (lot_id, serial_id) AS (
  SELECT %(lot_id)s::bigint, %(serial_id)s::bigint
  UNION
  SELECT CASE WHEN t.serial_id IS NULL THEN t.lot_id ELSE 0 END, coalesce(t.serial_id, 0)
  FROM reached r
  CROSS JOIN LATERAL (
    SELECT t.posting_id FROM inventory_transactions t
    WHERE r.serial_id = 0 AND t.lot_id = r.lot_id AND t.lot_id <> 0 AND t.type = 'PRODUCE' AND t.corrects_id IS NULL AND
    -- with: stands
    UNION ALL
    SELECT t.posting_id FROM inventory_transactions t
    WHERE r.serial_id <> 0 AND t.serial_id = r.serial_id AND t.serial_id IS NOT NULL AND t.type = 'PRODUCE'
      AND t.corrects_id IS NULL AND
    -- with: stands
  ) made
  JOIN inventory_transactions t ON t.posting_id = made.posting_id AND t.type = 'CONSUME' AND t.corrects_id IS NULL
   AND (t.lot_id <> 0 OR t.serial_id IS NOT NULL) AND
  -- with: stands
),

-- part: trace_rows
traced AS MATERIALIZED (
  SELECT t.* FROM reached r JOIN inventory_transactions t ON t.lot_id = r.lot_id AND t.lot_id <> 0 WHERE r.serial_id = 0
  UNION
  SELECT t.* FROM reached r JOIN inventory_transactions t ON t.serial_id = r.serial_id AND t.serial_id IS NOT NULL
  WHERE r.serial_id <> 0
), arrived AS (
  SELECT t.posting_id, t.line_no, t.serial_id, t.lot_id, t.quantity, t.corrects_id IS NULL AS plain,
         min(t.location_id) AS location_id
  FROM traced t WHERE t.type = 'TRANSFER_IN' GROUP BY 1, 2, 3, 4, 5, 6
)
, shown AS (
  SELECT t.*, l.code AS location, l.site_id, g.code AS to_location
  FROM traced t
  JOIN locations l ON l.id = t.location_id
  LEFT JOIN arrived y ON t.type = 'TRANSFER_OUT' AND y.posting_id = t.posting_id AND y.line_no = t.line_no
    AND y.lot_id = t.lot_id AND y.quantity = -t.quantity AND y.serial_id IS NOT DISTINCT FROM t.serial_id
    AND y.plain = (t.corrects_id IS NULL)
  LEFT JOIN locations g ON g.id = y.location_id

-- part: of_trace
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[] OR g.path && %(scope)s::bigint[])
  AND (%(after)s::timestamptz IS NULL OR (t.effective_at, t.id) > (%(after)s, %(after_id)s::bigint))
  ORDER BY t.effective_at, t.id LIMIT %(limit)s
)
SELECT t.id, t.effective_at, t.recorded_at, t.type::text AS type, t.variant_id, i.sku, i.unit, nullif(t.lot_id, 0) AS lot_id,
       nullif(b.number, '') AS lot, t.serial_id, z.serial, t.quantity, t.location, s.code AS site, t.to_location,
       t.reason_code, t.reference_type, t.reference_id, o.id AS order_id, o.external_id AS order_number,
       CASE WHEN %(names)s::boolean THEN c.code END AS customer,
       CASE WHEN %(names)s::boolean THEN coalesce(c.name, h.name) END AS customer_name,
       'PO-' || lpad(w.id::text, greatest(6, length(w.id::text)), '0') AS purchase_order,
       CASE WHEN t.type = 'RECEIPT' THEN coalesce(u.name, b.supplier) END AS supplier,
       CASE WHEN t.type = 'RECEIPT' THEN b.supplier_lot END AS supplier_lot,
       t.posting_id, p.actor_id, a.name AS actor, t.corrects_id,
       (SELECT k.posting_id FROM corrections k WHERE k.corrected_id = t.id) AS corrected_by
FROM shown t
JOIN product_variants i ON i.id = t.variant_id
JOIN locations s ON s.id = t.site_id
JOIN lots b ON b.id = t.lot_id
JOIN postings p ON p.id = t.posting_id
JOIN people a ON a.id = p.actor_id
LEFT JOIN serialised_stock z ON z.id = t.serial_id
LEFT JOIN orders o ON o.id = CASE WHEN t.reference_type = 'order' AND t.reference_id ~ '^[0-9]{1,18}$' THEN t.reference_id::bigint END
LEFT JOIN customers c ON c.id = o.customer_id
LEFT JOIN order_contacts h ON h.order_id = o.id
-- A receipt's line has the number of its rows; the order it came for stands with it, or is what the row refers to.
LEFT JOIN receipts e ON e.id = CASE
  WHEN t.reference_type = 'receipt' AND t.reference_id ~ '^R-[0-9]{1,18}$' THEN substr(t.reference_id, 3)::bigint END
LEFT JOIN receipt_lines f ON f.receipt_id = e.id AND f.line_no = t.line_no AND f.posting_id = t.posting_id
LEFT JOIN po_lines d ON d.id = f.po_line_id
LEFT JOIN purchase_orders w ON w.id = coalesce(d.po_id, CASE
  WHEN t.reference_type = 'purchase_order' AND t.reference_id ~ '^PO-[0-9]{1,18}$' THEN substr(t.reference_id, 4)::bigint END)
LEFT JOIN suppliers u ON u.id = coalesce(w.supplier_id, e.supplier_id)
ORDER BY t.effective_at, t.id

-- name: known_lot
SELECT EXISTS (SELECT FROM lots WHERE id = %(id)s AND id <> 0);

-- name: known_serial
SELECT EXISTS (SELECT FROM serialised_stock WHERE id = %(id)s);

-- Who has it ----------------------------------------------------------------------------------------------------------

-- name: holders
-- Who has some of these lots: those it was sent to (less what came back), where it lies, what is on its way, and to whom
-- it was promised when it was recalled.
WITH wanted AS (
  SELECT n.lot_id FROM recall_lots n WHERE n.recall_id = %(recall_id)s
  UNION ALL SELECT %(lot_id)s::bigint WHERE %(lot_id)s::bigint IS NOT NULL
), moved AS (
  SELECT t.lot_id, t.reference_type, t.reference_id,
         coalesce(-sum(t.quantity) FILTER (WHERE t.type = 'SALE'), 0) AS sent,
         coalesce(sum(t.quantity) FILTER (WHERE t.type = 'RETURN' AND t.quantity > 0 OR t.type = 'RETURN' AND t.corrects_id IS NOT NULL), 0) AS returned,
         max(t.effective_at) AS last_at
  FROM wanted n JOIN inventory_transactions t ON t.lot_id = n.lot_id AND t.lot_id <> 0 AND t.type IN ('SALE', 'RETURN')
  JOIN locations l ON l.id = t.location_id
  WHERE (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  GROUP BY 1, 2, 3
), held AS (
  SELECT 'sent' AS kind, m.lot_id, m.sent AS quantity, m.returned, m.reference_type, m.reference_id,
         NULL::bigint AS location_id, m.last_at, NULL::text AS holder,
         CASE WHEN m.reference_type = 'order' AND m.reference_id ~ '^[0-9]{1,18}$' THEN m.reference_id::bigint END AS order_id,
         coalesce(m.reference_type, '') || ' ' || coalesce(m.reference_id, '') AS key
  FROM moved m WHERE m.sent <> 0 OR m.returned <> 0
  UNION ALL
  SELECT CASE WHEN l.kind = 'transit' THEN 'in_transit' ELSE 'here' END, v.lot_id, v.on_hand, 0, NULL, NULL, v.location_id,
         v.updated_at, NULL, NULL, l.code
  FROM wanted n JOIN inventory_levels v ON v.lot_id = n.lot_id AND v.lot_id <> 0 AND v.on_hand <> 0
  JOIN locations l ON l.id = v.location_id
  WHERE (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  UNION ALL
  SELECT 'promised', q.lot_id, q.quantity, 0, NULL, NULL, q.site_id, NULL, q.channel || ' ' || q.holder, q.order_id,
         lpad(q.id::text, 19, '0')
  FROM recall_promises q JOIN locations l ON l.id = q.site_id
  WHERE q.recall_id = %(recall_id)s AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
)
SELECT d.kind, d.lot_id, b.number AS lot, i.sku, i.name, i.unit, d.quantity, d.returned, d.reference_type, d.reference_id,
       o.id AS order_id, o.external_id AS order_number,
       CASE WHEN %(names)s::boolean THEN c.code END AS customer,
       CASE WHEN %(names)s::boolean THEN coalesce(c.name, h.name) END AS customer_name,
       CASE WHEN %(names)s::boolean THEN h.email END AS email,
       d.holder, l.code AS location, d.last_at, d.key
FROM held d
JOIN lots b ON b.id = d.lot_id
JOIN product_variants i ON i.id = b.variant_id
LEFT JOIN locations l ON l.id = d.location_id
LEFT JOIN orders o ON o.id = d.order_id
LEFT JOIN customers c ON c.id = o.customer_id
LEFT JOIN order_contacts h ON h.order_id = o.id
WHERE (%(after)s::text IS NULL OR (d.kind, d.lot_id, d.key COLLATE "C") > (%(after)s, %(after_lot)s::bigint, %(after_key)s::text))
ORDER BY d.kind, d.lot_id, d.key COLLATE "C" LIMIT %(limit)s;

-- Recalls -------------------------------------------------------------------------------------------------------------

-- name: lots_to_recall
-- The lots asked for, and those that were made of them.
WITH RECURSIVE asked AS (
  SELECT t.id FROM lots t
  WHERE t.id <> 0
    AND (%(lot_ids)s::bigint[] IS NULL OR t.id = ANY (%(lot_ids)s::bigint[]))
    AND (%(variant_ids)s::bigint[] IS NULL OR t.variant_id = ANY (%(variant_ids)s::bigint[]))
    AND (%(supplier)s::text IS NULL OR upper(t.supplier) = upper(%(supplier)s))
    AND (%(supplier_lot)s::text IS NULL OR upper(t.supplier_lot) = upper(%(supplier_lot)s))
    AND (%(since)s::timestamptz IS NULL AND %(until)s::timestamptz IS NULL OR EXISTS (
          SELECT FROM inventory_transactions r
          WHERE r.lot_id = t.id AND r.lot_id <> 0 AND r.type = 'RECEIPT' AND r.quantity > 0
            AND (%(since)s::timestamptz IS NULL OR r.effective_at >= %(since)s)
            AND (%(until)s::timestamptz IS NULL OR r.effective_at < %(until)s)))
), reached (lot_id, serial_id) AS (
  SELECT a.id, 0::bigint FROM asked a WHERE %(with_made)s::boolean
  UNION
  SELECT CASE WHEN t.serial_id IS NULL THEN t.lot_id ELSE 0 END, coalesce(t.serial_id, 0)
  FROM reached r
  -- with: made_of_it
)
SELECT a.id AS lot_id, false AS made FROM asked a
UNION ALL
SELECT DISTINCT r.lot_id, true FROM reached r WHERE r.lot_id <> 0 AND NOT EXISTS (SELECT FROM asked a WHERE a.id = r.lot_id)
ORDER BY 1 LIMIT %(limit)s;

-- name: make_recall
INSERT INTO recalls (reason, notes, criteria, opened_by)
VALUES (%(reason)s, %(notes)s, %(criteria)s::jsonb, %(actor_id)s)
RETURNING id, number;

-- name: keep_recall_lots
INSERT INTO recall_lots (recall_id, lot_id, made, was)
SELECT %(recall_id)s, u.lot_id, u.made, u.was
FROM unnest(%(lot_ids)s::bigint[], %(made)s::boolean[], %(were)s::text[]) AS u (lot_id, made, was);

-- name: keep_recall_promises
-- Read under the positions' locks, before anything is blocked.
INSERT INTO recall_promises (recall_id, lot_id, site_id, order_id, channel, holder, quantity)
SELECT %(recall_id)s::bigint, a.lot_id, a.site_id, l.order_id, NULL, NULL, sum(a.quantity)
FROM lots t
JOIN order_allocations a ON a.variant_id = t.variant_id AND a.lot_id = t.id AND a.state = 'open' AND a.lot_id <> 0
JOIN order_lines l ON l.id = a.line_id
WHERE t.id = ANY (%(lot_ids)s::bigint[])
GROUP BY a.lot_id, a.site_id, l.order_id
UNION ALL
SELECT %(recall_id)s::bigint, r.lot_id, r.site_id, NULL, r.channel, r.holder, sum(r.quantity)
FROM lots t JOIN reservations r ON r.variant_id = t.variant_id AND r.lot_id = t.id AND r.state = 'open'
WHERE t.id = ANY (%(lot_ids)s::bigint[])
GROUP BY r.lot_id, r.site_id, r.channel, r.holder;

-- name: lock_recall
SELECT id, number, closed_at, version FROM recalls WHERE id = %(recall_id)s FOR UPDATE;

-- name: recall_lots_held
-- The recall's lots of these, with whether another open recall has them too.
SELECT n.lot_id, n.released_at, EXISTS (
         SELECT FROM recall_lots x JOIN recalls y ON y.id = x.recall_id
         WHERE x.lot_id = n.lot_id AND x.recall_id <> n.recall_id AND x.released_at IS NULL AND y.closed_at IS NULL) AS elsewhere
FROM recall_lots n WHERE n.recall_id = %(recall_id)s AND n.lot_id = ANY (%(lot_ids)s::bigint[]) ORDER BY n.lot_id;

-- name: release_recall_lots
WITH done AS (
  UPDATE recall_lots SET released_at = statement_timestamp(), released_by = %(actor_id)s, release_reason = %(reason)s
  WHERE recall_id = %(recall_id)s AND lot_id = ANY (%(lot_ids)s::bigint[]) AND released_at IS NULL
)
UPDATE recalls SET version = version + 1 WHERE id = %(recall_id)s;

-- name: close_recall
UPDATE recalls SET closed_at = statement_timestamp(), closed_by = %(actor_id)s, notes = coalesce(%(notes)s, notes),
                   version = version + 1
WHERE id = %(recall_id)s;

-- name: recalls
SELECT r.id, r.number, r.reason, r.notes, r.opened_at, r.opened_by, o.name AS opened_by_name, r.closed_at, r.closed_by,
       c.name AS closed_by_name, r.version,
       (SELECT count(*)::integer FROM recall_lots n WHERE n.recall_id = r.id) AS lot_count
FROM recalls r JOIN people o ON o.id = r.opened_by LEFT JOIN people c ON c.id = r.closed_by
WHERE (%(open)s::boolean IS NULL OR (r.closed_at IS NULL) = %(open)s)
  AND (%(recall_id)s::bigint IS NULL OR r.id = %(recall_id)s)
  AND (%(number)s::text IS NULL OR r.number = upper(%(number)s))
  AND (%(after)s::bigint IS NULL OR r.id < %(after)s)
ORDER BY r.id DESC LIMIT %(limit)s;

-- name: recall_progress
-- Each lot of a recall: what came and went, what is still here, what has happened to it since.
SELECT n.lot_id, i.sku, i.name, i.unit, b.number AS lot, b.status, b.supplier, b.supplier_lot, b.expires_on, n.made, n.was,
       n.released_at, n.release_reason, m.received, m.sent, m.returned, m.returned_since, m.written_off_since,
       v.on_hand, v.in_transit, q.promised
FROM recall_lots n
JOIN recalls r ON r.id = n.recall_id
JOIN lots b ON b.id = n.lot_id
JOIN product_variants i ON i.id = b.variant_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(t.quantity) FILTER (WHERE t.type IN ('RECEIPT', 'PRODUCE')), 0) AS received,
         coalesce(-sum(t.quantity) FILTER (WHERE t.type = 'SALE'), 0) AS sent,
         coalesce(sum(t.quantity) FILTER (WHERE t.type = 'RETURN'), 0) AS returned,
         coalesce(sum(t.quantity) FILTER (WHERE t.type = 'RETURN' AND t.recorded_at >= r.opened_at), 0) AS returned_since,
         coalesce(-sum(t.quantity) FILTER (WHERE t.type = 'WRITE_OFF' AND t.recorded_at >= r.opened_at), 0) AS written_off_since
  FROM inventory_transactions t JOIN locations l ON l.id = t.location_id
  WHERE t.lot_id = n.lot_id AND t.lot_id <> 0 AND t.type IN ('RECEIPT', 'PRODUCE', 'SALE', 'RETURN', 'WRITE_OFF')
    AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
) m
CROSS JOIN LATERAL (
  SELECT coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.lot_id = n.lot_id AND v.lot_id <> 0 AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
) v
CROSS JOIN LATERAL (
  SELECT coalesce(sum(q.quantity), 0) AS promised FROM recall_promises q
  WHERE q.recall_id = n.recall_id AND q.lot_id = n.lot_id
) q
WHERE n.recall_id = %(recall_id)s
ORDER BY i.sku, b.number, n.lot_id;
