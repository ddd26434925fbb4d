-- name: match_settings
SELECT version, price_percent, price_value, quantity_percent, quantity_value, charge_value, note, created_by, created_at
FROM match_settings ORDER BY version DESC LIMIT 1;

-- name: lock_match_settings
SELECT pg_advisory_xact_lock(hashtext('match_settings'));

-- name: terms_of_payment
-- When suppliers' invoices are due.
SELECT s.id, s.net_days, s.discount_percent, s.discount_days FROM suppliers s WHERE s.id = ANY (%(ids)s::bigint[]);

-- name: invoices_known
-- Of these numbers, those that are entered already.
SELECT i.supplier_id, upper(i.number) AS number, i.id, i.invoiced_on
FROM unnest(%(supplier_ids)s::bigint[], %(numbers)s::text[]) AS a (supplier_id, number)
JOIN supplier_invoices i ON i.supplier_id = a.supplier_id AND upper(i.number) = upper(a.number) AND i.status <> 'VOID';

-- name: variants_by_supplier_sku
SELECT DISTINCT i.supplier_id, upper(i.supplier_sku) AS supplier_sku, i.variant_id
FROM unnest(%(supplier_ids)s::bigint[], %(skus)s::text[]) AS a (supplier_id, sku)
JOIN supplier_items i ON i.supplier_id = a.supplier_id AND upper(i.supplier_sku) = upper(a.sku);

-- name: orders_of_items
-- The orders of suppliers' items of which something is not invoiced.
SELECT DISTINCT p.po_id
FROM unnest(%(supplier_ids)s::bigint[], %(variant_ids)s::bigint[]) AS a (supplier_id, variant_id)
JOIN po_lines p ON p.variant_id = a.variant_id AND p.placed
JOIN purchase_orders o ON o.id = p.po_id AND o.supplier_id = a.supplier_id
WHERE greatest(p.ordered - p.cancelled, p.received) > coalesce((
  SELECT sum(x.counted) FROM supplier_invoice_lines x WHERE x.po_line_id = p.id), 0);

-- name: open_lines
-- The lines of orders that an invoice may be for, and how much of each is invoiced.
SELECT l.id, l.po_id, l.line_no, o.supplier_id, l.site_id, l.variant_id, i.sku, l.supplier_sku, l.ordered - l.cancelled AS ordered,
       l.received, coalesce(c.counted, 0) AS invoiced
FROM po_lines l
JOIN purchase_orders o ON o.id = l.po_id
JOIN product_variants i ON i.id = l.variant_id
LEFT JOIN LATERAL (SELECT sum(s.counted) AS counted FROM supplier_invoice_lines s WHERE s.po_line_id = l.id) c ON true
WHERE l.po_id = ANY (%(po_ids)s::bigint[]) AND l.placed AND site_in_scope(l.site_id, %(scope)s::bigint[])
ORDER BY l.po_id, l.line_no;

-- name: new_invoice_ids
SELECT nextval('supplier_invoices_id_seq') FROM generate_series(1, %(count)s::integer);

-- name: write_invoices
WITH heads AS (
  INSERT INTO supplier_invoices (id, supplier_id, number, settings_version, currency, exchange_rate, invoiced_on, due_on,
                                 discount_percent, discount_until, total, note, created_by)
  OVERRIDING SYSTEM VALUE
  SELECT * FROM unnest(
    %(ids)s::bigint[], %(supplier_ids)s::bigint[], %(numbers)s::text[], %(settings)s::integer[], %(currencies)s::text[],
    %(rates)s::numeric[], %(invoiced_ons)s::date[], %(due_ons)s::date[], %(discounts)s::numeric[],
    %(discount_untils)s::date[], %(totals)s::numeric[], %(notes)s::text[], %(created_bys)s::bigint[])
)
INSERT INTO supplier_invoice_lines (invoice_id, line_no, kind, po_line_id, variant_id, supplier_sku, description, quantity,
                                    unit_price, tax, counted)
SELECT u.invoice_id, u.line_no, u.kind, u.po_line_id, u.variant_id, u.supplier_sku, u.description, u.quantity, u.unit_price,
       u.tax, u.quantity
FROM unnest(
  %(invoice_ids)s::bigint[], %(line_nos)s::integer[], %(kinds)s::text[], %(po_line_ids)s::bigint[], %(variant_ids)s::bigint[],
  %(supplier_skus)s::text[], %(descriptions)s::text[], %(quantities)s::numeric[], %(unit_prices)s::numeric[],
  %(taxes)s::numeric[]
) WITH ORDINALITY AS u (invoice_id, line_no, kind, po_line_id, variant_id, supplier_sku, description, quantity, unit_price, tax,
                        at)
ORDER BY u.at;

-- name: rematch
SELECT invoices_match('{}', %(ids)s::bigint[]);

-- name: lock_orders_of
-- The orders that an invoice is for, in the order of their ids: before the invoices themselves, as whoever takes goods in.
SELECT o.id FROM purchase_orders o
WHERE o.id IN (SELECT p.po_id FROM supplier_invoice_lines l JOIN po_lines p ON p.id = l.po_line_id
               WHERE l.invoice_id = ANY (%(ids)s::bigint[]))
ORDER BY o.id FOR NO KEY UPDATE;

-- name: lock_invoices
-- An invoice, and those that are matched with it.
SELECT i.id FROM supplier_invoices i
WHERE i.id = ANY (%(ids)s::bigint[]) OR i.id IN (
  SELECT b.invoice_id FROM supplier_invoice_lines a JOIN supplier_invoice_lines b ON b.po_line_id = a.po_line_id
  WHERE a.invoice_id = ANY (%(ids)s::bigint[]))
ORDER BY i.id FOR NO KEY UPDATE;

-- name: invoices
SELECT i.id, i.supplier_id, s.code AS supplier, s.name AS supplier_name, i.number, i.status, i.flagged, i.waiting,
       i.settings_version, i.currency, i.exchange_rate, i.invoiced_on, i.due_on, i.discount_percent, i.discount_until, i.total,
       i.payable, i.note, i.created_by, i.created_at, i.released_by, i.released_at, i.voided_by, i.voided_at, i.void_reason,
       i.version, i.updated_at
FROM supplier_invoices i JOIN suppliers s ON s.id = i.supplier_id
WHERE i.id = ANY (%(ids)s::bigint[]) AND (%(scope)s::bigint[] IS NULL OR EXISTS (
  SELECT FROM supplier_invoice_lines l JOIN po_lines p ON p.id = l.po_line_id
  WHERE l.invoice_id = i.id AND site_in_scope(p.site_id, %(scope)s::bigint[])))
ORDER BY i.id;

-- name: invoice_lines
SELECT l.invoice_id, l.id, l.line_no, l.kind, p.po_id, p.line_no AS po_line, v.sku, v.name, l.supplier_sku, l.description,
       l.quantity, l.unit_price, l.tax, l.counted, l.state, l.problems, l.ordered, l.received, l.invoiced_before,
       l.expected_price, coalesce(p.on_order > 0, false) AS coming, coalesce(o.over_percent, 0) AS over_percent,
       d.decision, d.reason, d.problems AS decided_problems, d.person_id, n.name AS person, d.at, d.agreed
FROM supplier_invoice_lines l
LEFT JOIN po_lines p ON p.id = l.po_line_id
LEFT JOIN purchase_orders o ON o.id = p.po_id
LEFT JOIN product_variants v ON v.id = l.variant_id
LEFT JOIN supplier_invoice_decisions d ON d.id = l.decision_id
LEFT JOIN people n ON n.id = d.person_id
WHERE l.invoice_id = ANY (%(ids)s::bigint[])
ORDER BY l.invoice_id, l.line_no;

-- name: decide_lines
-- Decisions with the facts they were made on, from rows of JSON; the lines point to them.
WITH made AS (
  INSERT INTO supplier_invoice_decisions (line_id, decision, reason, problems, ordered, received, invoiced_before,
                                          expected_price, agreed, person_id)
  SELECT l.id, r.decision, r.reason, l.problems, l.ordered, l.received, l.invoiced_before, l.expected_price, r.agreed,
         %(person_id)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id bigint, decision text, reason text, agreed numeric)
  JOIN supplier_invoice_lines l ON l.id = r.id
  RETURNING id, line_id
)
UPDATE supplier_invoice_lines l SET decision_id = m.id, counted = r.counted
FROM made m JOIN jsonb_to_recordset(%(rows)s::jsonb) AS r (id bigint, counted numeric) ON r.id = m.line_id
WHERE l.id = m.line_id;

-- name: touch_invoice
UPDATE supplier_invoices SET version = version + 1, updated_at = statement_timestamp() WHERE id = %(id)s;

-- name: release_invoice
UPDATE supplier_invoices
SET status = 'RELEASED', payable = %(payable)s, released_by = %(person_id)s, released_at = statement_timestamp(),
    version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s;

-- name: void_invoice
WITH lines AS (
  UPDATE supplier_invoice_lines SET counted = 0 WHERE invoice_id = %(id)s
)
UPDATE supplier_invoices
SET status = 'VOID', voided_by = %(person_id)s, voided_at = statement_timestamp(), void_reason = %(reason)s,
    version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s;

-- name: void_many
WITH heads AS (
  UPDATE supplier_invoices
  SET status = 'VOID', voided_by = %(person_id)s, voided_at = statement_timestamp(), void_reason = %(reason)s,
      version = version + 1, updated_at = statement_timestamp()
  WHERE id = ANY (%(ids)s::bigint[]) AND status NOT IN ('RELEASED', 'VOID')
  RETURNING id
), lines AS (
  UPDATE supplier_invoice_lines l SET counted = 0 FROM heads h WHERE l.invoice_id = h.id
)
SELECT h.id FROM heads h ORDER BY h.id;
