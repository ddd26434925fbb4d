-- name: new_ids
SELECT nextval('purchase_orders_id_seq') FROM generate_series(1, %(count)s::integer);

-- name: settings
SELECT version, currency, second_approval_above, over_percent, rates, note, created_by, created_at FROM purchasing_settings
ORDER BY version DESC LIMIT 1;

-- name: write
-- Drafts with their lines, in one statement.
WITH made AS (
  INSERT INTO purchase_orders (id, supplier_id, site_id, external_id, currency, exchange_rate, over_percent, wanted_on, note,
                               created_by)
  OVERRIDING SYSTEM VALUE
  SELECT * FROM unnest(
    %(ids)s::bigint[], %(supplier_ids)s::bigint[], %(site_ids)s::bigint[], %(external_ids)s::text[], %(currencies)s::text[],
    %(exchange_rates)s::numeric[], %(over_percents)s::numeric[], %(wanted_ons)s::date[], %(notes)s::text[],
    %(created_bys)s::bigint[])
)
INSERT INTO po_lines (po_id, site_id, line_no, variant_id, supplier_sku, ordered, unit_price, stated_lead_time_days, wanted_on)
SELECT * FROM unnest(
  %(po_ids)s::bigint[], %(line_site_ids)s::bigint[], %(line_nos)s::integer[], %(variant_ids)s::bigint[],
  %(supplier_skus)s::text[], %(quantities)s::numeric[], %(unit_prices)s::numeric[], %(lead_times)s::integer[],
  %(line_wanted_ons)s::date[]);

-- name: heads
SELECT o.id, o.status, o.supplier_id, s.code AS supplier, s.name AS supplier_name, o.site_id, l.code AS site, o.external_id,
       o.currency, o.exchange_rate, o.over_percent, o.wanted_on, o.supplier_reference, o.note, o.proposal, o.proposed_by,
       o.proposed_at, o.created_by, o.created_at, o.submitted_at, o.updated_at, o.version,
       coalesce(a.approvals, '[]') AS approvals, x.sending
FROM purchase_orders o
JOIN suppliers s ON s.id = o.supplier_id
JOIN locations l ON l.id = o.site_id
LEFT JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_object('person_id', p.person_id, 'person', n.name, 'note', p.note, 'at', p.at,
                                      'ended_at', p.ended_at, 'total', trim_scale(p.total)::text) ORDER BY p.id) AS approvals
  FROM po_approvals p JOIN people n ON n.id = p.person_id WHERE p.po_id = o.id
) a ON true
LEFT JOIN LATERAL (
  SELECT jsonb_build_object('id', d.id, 'state', d.state, 'to', d.to_address, 'reason', d.reason, 'requested_by', d.requested_by,
                            'requested_at', d.requested_at, 'ended_at', d.ended_at) AS sending
  FROM po_sends d WHERE d.po_id = o.id ORDER BY d.id DESC LIMIT 1
) x ON true
WHERE o.id = ANY (%(ids)s::bigint[]) AND site_in_scope(o.site_id, %(scope)s::bigint[]);

-- name: lines
SELECT l.po_id, l.id, l.line_no, l.variant_id, i.sku, i.name, i.unit, u.decimals, l.supplier_sku, l.ordered, l.received,
       l.cancelled, l.on_order, l.stated_lead_time_days, l.wanted_on, l.expected_on, l.promised_on, l.promised_quantity,
       l.unit_price
FROM po_lines l JOIN product_variants i ON i.id = l.variant_id JOIN units u ON u.code = i.unit
WHERE l.po_id = ANY (%(ids)s::bigint[]) ORDER BY l.po_id, l.line_no;

-- name: lock
-- Orders in the order of their ids, for whoever changes them, or receives against them.
SELECT o.id FROM purchase_orders o WHERE o.id = ANY (%(ids)s::bigint[]) ORDER BY o.id FOR NO KEY UPDATE;

-- name: heads_to_receive
SELECT o.id, o.status, o.supplier_id, s.code AS supplier, o.site_id, l.code AS site, o.currency, o.exchange_rate,
       o.over_percent, o.submitted_at, o.version
FROM purchase_orders o JOIN suppliers s ON s.id = o.supplier_id JOIN locations l ON l.id = o.site_id
WHERE o.id = ANY (%(ids)s::bigint[]);

-- name: lines_to_receive
SELECT l.id, l.po_id, l.line_no, l.variant_id, i.sku, l.supplier_sku, i.tracking, u.decimals, l.ordered, l.received, l.cancelled,
       l.on_order, l.unit_price, l.stated_lead_time_days, l.expected_on, l.promised_on
FROM po_lines l JOIN product_variants i ON i.id = l.variant_id JOIN units u ON u.code = i.unit
WHERE l.po_id = ANY (%(ids)s::bigint[]) ORDER BY l.po_id, l.line_no;

-- name: take_in
-- What came of lines is added; statuses and positions follow by trigger. Lines that cannot take it are not given back.
WITH came AS (
  SELECT c.line_id, sum(c.quantity) AS quantity, max(c.received_on) FILTER (WHERE c.quantity > 0) AS last_on
  FROM unnest(%(line_ids)s::bigint[], %(quantities)s::numeric[], %(received_ons)s::date[]) AS c (line_id, quantity, received_on)
  GROUP BY 1
), changed AS (
  UPDATE po_lines l
  SET received = l.received + c.quantity,
      last_received_on = CASE WHEN l.received > 0 THEN greatest(l.last_received_on, c.last_on) ELSE c.last_on END
  FROM came c WHERE l.id = c.line_id AND l.placed AND l.received + c.quantity >= 0
  RETURNING l.id, l.po_id, l.received, l.on_order
), heads AS (
  UPDATE purchase_orders o SET version = o.version + 1, updated_at = statement_timestamp()
  WHERE o.id IN (SELECT c.po_id FROM changed c)
)
SELECT c.id AS line_id, c.po_id, c.received, c.on_order FROM changed c ORDER BY c.id;

-- name: place
-- A draft becomes an order; its lines with when they are expected.
WITH lines AS (
  UPDATE po_lines l SET placed = true, expected_on = u.expected_on
  FROM unnest(%(line_ids)s::bigint[], %(expected_ons)s::date[]) AS u (id, expected_on) WHERE l.id = u.id
)
UPDATE purchase_orders SET submitted_at = %(at)s, version = version + 1, updated_at = statement_timestamp() WHERE id = %(id)s;

-- name: set_lines
-- What people decide about lines, whole, from rows of JSON; the order's version counts up. Lines are found by their own
-- ids: by the order's (+ 0 hides it), all its lines would be gone through for each.
WITH lines AS (
  UPDATE po_lines l
  SET ordered = r.ordered, cancelled = r.cancelled, unit_price = r.unit_price, wanted_on = r.wanted_on,
      expected_on = r.expected_on, promised_on = r.promised_on,
      first_promised_on = coalesce(l.first_promised_on, r.promised_on), promised_quantity = r.promised_quantity
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    id bigint, ordered numeric, cancelled numeric, unit_price numeric, wanted_on date, expected_on date, promised_on date,
    promised_quantity numeric)
  WHERE l.id = r.id AND l.po_id + 0 = %(id)s
)
UPDATE purchase_orders SET version = version + 1, updated_at = statement_timestamp() WHERE id = %(id)s;

-- name: add_lines
INSERT INTO po_lines (po_id, site_id, placed, line_no, variant_id, supplier_sku, ordered, unit_price, stated_lead_time_days,
                      wanted_on, expected_on)
SELECT %(po_id)s, %(site_id)s, %(placed)s, u.line_no, u.variant_id, u.supplier_sku, u.ordered, u.unit_price, u.lead_time,
       u.wanted_on, u.expected_on
FROM unnest(
  %(line_nos)s::integer[], %(variant_ids)s::bigint[], %(supplier_skus)s::text[], %(quantities)s::numeric[],
  %(unit_prices)s::numeric[], %(lead_times)s::integer[], %(wanted_ons)s::date[], %(expected_ons)s::date[]
) AS u (line_no, variant_id, supplier_sku, ordered, unit_price, lead_time, wanted_on, expected_on);

-- name: remove_lines
DELETE FROM po_lines WHERE po_id = %(id)s AND line_no = ANY (%(line_nos)s::integer[]) AND NOT placed;

-- name: move_lines
UPDATE po_lines SET site_id = %(site_id)s WHERE po_id = %(id)s AND NOT placed;

-- name: lock_positions
-- The positions that a change of lines will touch (made where there are none), and others that whoever waits for the goods
-- needs, in the one order of all.
SELECT ledger_lock(%(variant_ids)s::bigint[], %(site_ids)s::bigint[], %(also_variants)s::bigint[], %(also_sites)s::bigint[]);

-- name: approve
INSERT INTO po_approvals (po_id, person_id, total, note) VALUES (%(po_id)s, %(person_id)s, %(total)s, %(note)s);

-- name: end_approvals
-- Those that do not cover what it comes to now; or all of a person's.
UPDATE po_approvals SET ended_at = statement_timestamp()
WHERE po_id = %(po_id)s AND ended_at IS NULL
  AND (total < %(total)s::numeric OR person_id = %(person_id)s::bigint);

-- name: keep_version
INSERT INTO po_versions (po_id, version, action, reason, person_id, document)
VALUES (%(po_id)s, %(version)s, %(action)s, %(reason)s, %(person_id)s, %(document)s::jsonb);

-- name: expected
-- What is to come of these, and when.
SELECT l.variant_id, l.site_id, l.expected_on AS "on", sum(l.on_order) AS quantity
FROM po_lines l
WHERE l.variant_id = ANY (%(variant_ids)s::bigint[]) AND l.on_order > 0 AND l.expected_on IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 3, 1, 2;

-- name: terms
-- On what terms suppliers sell items.
SELECT i.supplier_id, i.variant_id, i.supplier_sku, i.lead_time_days, i.min_order_qty, i.pack_multiple, i.active,
       coalesce((SELECT jsonb_agg(jsonb_build_object('min_qty', p.min_qty::text, 'unit_price', p.unit_price::text) ORDER BY p.min_qty)
                 FROM supplier_prices p WHERE p.supplier_item_id = i.id), '[]') AS prices
FROM unnest(%(supplier_ids)s::bigint[], %(variant_ids)s::bigint[]) AS u (supplier_id, variant_id)
JOIN supplier_items i ON i.supplier_id = u.supplier_id AND i.variant_id = u.variant_id;

-- name: external_ids
SELECT o.supplier_id, o.external_id
FROM unnest(%(supplier_ids)s::bigint[], %(external_ids)s::text[]) AS u (supplier_id, external_id)
JOIN purchase_orders o ON o.supplier_id = u.supplier_id AND o.external_id = u.external_id;

-- name: cancel_drafts
WITH lines AS (
  UPDATE po_lines l SET cancelled = l.ordered WHERE l.po_id = ANY (%(ids)s::bigint[]) AND NOT l.placed
)
UPDATE purchase_orders SET version = version + 1, updated_at = statement_timestamp() WHERE id = ANY (%(ids)s::bigint[]);

-- name: lock_settings
SELECT pg_advisory_xact_lock(7021);

-- name: any_order
SELECT EXISTS (SELECT FROM purchase_orders);

-- name: queue_send
INSERT INTO po_sends (po_id, to_address, state, reason, requested_by, ended_at)
VALUES (%(po_id)s, %(to)s, %(state)s, %(reason)s, %(by)s, CASE WHEN %(state)s::text <> 'queued' THEN statement_timestamp() END)
RETURNING id;

-- name: to_send
SELECT id, po_id, to_address, state FROM po_sends WHERE id = %(id)s;

-- name: send_done
UPDATE po_sends SET state = %(state)s, reason = %(reason)s, to_address = coalesce(%(to)s, to_address), ended_at = statement_timestamp()
WHERE id = %(id)s AND state <> 'sent';

-- name: site_address
SELECT name, address FROM locations WHERE id = %(id)s;
