-- name: company
SELECT currency, rates FROM purchasing_settings ORDER BY version DESC LIMIT 1;

-- name: invoice_there
SELECT supplier_id FROM supplier_invoices WHERE id = %(id)s AND status <> 'VOID';

-- name: rows
-- The rows by which goods came, and what one unit of each counts with; without those that were undone.
WITH chosen AS (
  SELECT t.id FROM unnest(%(receipts)s::text[]) AS r (number)
  JOIN inventory_transactions t ON t.reference_type = 'receipt' AND t.reference_id = r.number
  UNION
  SELECT t.id FROM unnest(%(posting_ids)s::bigint[]) AS p (id) JOIN inventory_transactions t ON t.posting_id = p.id
  UNION
  SELECT t.id FROM unnest(%(po_ids)s::bigint[]) AS o (id)
  JOIN po_lines p ON p.po_id = o.id
  JOIN receipt_lines l ON l.po_line_id = p.id AND l.undone_at IS NULL
  JOIN inventory_transactions t ON t.posting_id = l.posting_id AND t.line_no = l.line_no
)
SELECT t.id, t.variant_id, v.sku, t.quantity, t.reference_type, t.reference_id, t.posting_id, CASE %(basis)s
         WHEN 'value' THEN coalesce(t.unit_cost, v.cost_price)
         WHEN 'weight' THEN v.weight_kg
         WHEN 'volume' THEN v.length_mm * v.width_mm * v.height_mm * 0.000000001
         ELSE 1 END AS measure
FROM chosen c
JOIN inventory_transactions t ON t.id = c.id
JOIN product_variants v ON v.id = t.variant_id
JOIN locations l ON l.id = t.location_id
WHERE t.type = 'RECEIPT' AND t.quantity > 0 AND t.corrects_id IS NULL
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  AND NOT EXISTS (SELECT FROM corrections x WHERE x.corrected_id = t.id)
ORDER BY t.id;

-- name: orders_of_rows
-- Of these orders, those of which goods came.
SELECT DISTINCT p.po_id FROM po_lines p JOIN receipt_lines l ON l.po_line_id = p.id AND l.undone_at IS NULL
WHERE p.po_id = ANY (%(po_ids)s::bigint[]);

-- name: write
WITH charge AS (
  INSERT INTO landed_charges (kind, basis, amount, currency, exchange_rate, company_amount, supplier_id, invoice_id, reference,
                              note, charged_on, chosen, cancels_id, created_by)
  VALUES (%(kind)s, %(basis)s, %(amount)s, %(currency)s, %(exchange_rate)s, %(company_amount)s, %(supplier_id)s, %(invoice_id)s,
          %(reference)s, %(note)s, %(charged_on)s, %(chosen)s::jsonb, NULL, %(created_by)s)
  RETURNING id
), lines AS (
  INSERT INTO landed_cost_lines (charge_id, transaction_id, variant_id, quantity, share, amount)
  SELECT c.id, u.* FROM charge c, unnest(
    %(transaction_ids)s::bigint[], %(variant_ids)s::bigint[], %(quantities)s::numeric[], %(shares)s::numeric[],
    %(amounts)s::numeric[]) AS u
)
SELECT c.id FROM charge c;

-- name: cancel
WITH charge AS (
  INSERT INTO landed_charges (kind, basis, amount, currency, exchange_rate, company_amount, supplier_id, invoice_id, reference,
                              note, charged_on, chosen, cancels_id, created_by)
  SELECT c.kind, c.basis, -c.amount, c.currency, c.exchange_rate, -c.company_amount, c.supplier_id, c.invoice_id, c.reference,
         %(reason)s, c.charged_on, c.chosen, c.id, %(person_id)s
  FROM landed_charges c WHERE c.id = %(id)s
  RETURNING id
), lines AS (
  INSERT INTO landed_cost_lines (charge_id, transaction_id, variant_id, quantity, share, amount)
  SELECT c.id, l.transaction_id, l.variant_id, l.quantity, l.share, -l.amount
  FROM charge c, landed_cost_lines l WHERE l.charge_id = %(id)s ORDER BY l.id
)
SELECT c.id FROM charge c;

-- name: charge
SELECT c.id, c.kind, c.basis, c.amount, c.currency, c.exchange_rate, c.company_amount, s.code AS supplier, c.invoice_id,
       c.reference, c.note, c.charged_on, c.chosen, c.cancels_id, b.id AS cancelled_by, c.created_by, c.created_at,
       (SELECT count(*) FROM landed_cost_lines l WHERE l.charge_id = c.id) AS rows
FROM landed_charges c LEFT JOIN suppliers s ON s.id = c.supplier_id LEFT JOIN landed_charges b ON b.cancels_id = c.id
WHERE c.id = %(id)s;

-- name: items
SELECT l.variant_id, v.sku, sum(l.quantity) AS quantity, sum(l.share) AS share, sum(l.amount) AS amount,
       round(sum(l.amount) / sum(l.quantity), 6) AS per_unit
FROM landed_cost_lines l JOIN product_variants v ON v.id = l.variant_id
WHERE l.charge_id = %(id)s GROUP BY 1, 2 ORDER BY upper(v.sku);

-- name: lines
SELECT l.transaction_id, l.variant_id, v.sku, l.quantity, l.share, l.amount
FROM landed_cost_lines l JOIN product_variants v ON v.id = l.variant_id
WHERE l.charge_id = %(id)s AND l.transaction_id > coalesce(%(after)s::bigint, 0)
ORDER BY l.transaction_id LIMIT %(limit)s;

-- name: list
SELECT c.id, c.kind, c.basis, c.amount, c.currency, c.company_amount, s.code AS supplier, c.invoice_id, c.reference, c.charged_on,
       c.cancels_id, b.id AS cancelled_by, c.created_at,
       (SELECT count(*) FROM landed_cost_lines l WHERE l.charge_id = c.id) AS rows
FROM landed_charges c LEFT JOIN suppliers s ON s.id = c.supplier_id LEFT JOIN landed_charges b ON b.cancels_id = c.id
WHERE (%(kind)s::text IS NULL OR c.kind = %(kind)s::text)
  AND (%(supplier)s::text IS NULL OR upper(s.code) = upper(%(supplier)s::text))
  AND (%(sku)s::text IS NULL OR EXISTS (
    SELECT FROM landed_cost_lines l JOIN product_variants v ON v.id = l.variant_id
    WHERE l.charge_id = c.id AND upper(v.sku) = upper(%(sku)s::text)))
  AND (NOT %(counted)s OR (c.cancels_id IS NULL AND b.id IS NULL))
  AND (%(before)s::bigint IS NULL OR c.id < %(before)s::bigint)
ORDER BY c.id DESC LIMIT %(limit)s;
