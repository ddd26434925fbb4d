-- name: structure
-- What all lead times tell of their own spread: sums for the variances within items, between items, between suppliers.
WITH items AS (
  SELECT t.supplier_id, count(*)::numeric AS n, avg(t.actual_days) AS mean,
         coalesce(var_samp(t.actual_days), 0) * (count(*) - 1) AS within,
         count(t.due_on)::numeric AS due, count(*) FILTER (WHERE t.received_on > t.due_on)::numeric AS late
  FROM lead_times_counted t GROUP BY t.supplier_id, t.variant_id
), sellers AS (
  SELECT sum(i.n) AS n, count(*) AS items, sum(i.n * i.mean) / sum(i.n) AS mean, sum(i.n * i.n) AS squares,
         sum(i.within) AS within, sum(i.n * i.mean * i.mean) - sum(i.n * i.mean) * sum(i.n * i.mean) / sum(i.n) AS between,
         sum(i.due) AS due, sum(i.late) AS late
  FROM items i GROUP BY i.supplier_id
)
SELECT coalesce(sum(s.n), 0) AS n, coalesce(sum(s.items), 0)::numeric AS items, count(*)::numeric AS suppliers,
       coalesce(sum(s.n * s.mean) / sum(s.n), 0) AS mean, coalesce(sum(s.within), 0) AS within,
       coalesce(sum(s.between), 0) AS between_items, coalesce(sum(s.squares / s.n), 0) AS squares_per_supplier,
       coalesce(sum(s.squares) / sum(s.n), 0) AS squares_per_all, coalesce(sum(s.n * s.n) / sum(s.n), 0) AS supplier_squares,
       coalesce(sum(s.n * s.mean * s.mean) - sum(s.n * s.mean) * sum(s.n * s.mean) / sum(s.n), 0) AS between_suppliers,
       coalesce(sum(s.due), 0) AS due, coalesce(sum(s.late), 0) AS late,
       (SELECT percentile_cont(ARRAY[0.5, 0.8, 0.9, 0.95]) WITHIN GROUP (ORDER BY t.actual_days) FROM lead_times_counted t)
         ::numeric[] AS quantiles
FROM sellers s;

-- name: spreads
-- Of pairs of supplier and item: what came of the item, and of all that the supplier sold.
WITH asked AS (
  SELECT a.supplier_id, a.variant_id FROM unnest(%(supplier_ids)s::bigint[], %(variant_ids)s::bigint[]) AS a (supplier_id, variant_id)
), own AS (
  SELECT t.supplier_id, t.variant_id, count(*)::numeric AS n, avg(t.actual_days) AS mean,
         coalesce(var_samp(t.actual_days), 0) AS variance, count(t.due_on)::numeric AS due,
         count(*) FILTER (WHERE t.received_on > t.due_on)::numeric AS late,
         percentile_cont(ARRAY[0.5, 0.8, 0.9, 0.95]) WITHIN GROUP (ORDER BY t.actual_days)::numeric[] AS quantiles
  FROM lead_times_counted t
  WHERE (t.supplier_id, t.variant_id) IN (SELECT a.supplier_id, a.variant_id FROM asked a) GROUP BY 1, 2
), theirs AS (
  SELECT t.supplier_id, count(*)::numeric AS n, avg(t.actual_days) AS mean, coalesce(var_samp(t.actual_days), 0) AS variance,
         count(t.due_on)::numeric AS due, count(*) FILTER (WHERE t.received_on > t.due_on)::numeric AS late,
         percentile_cont(ARRAY[0.5, 0.8, 0.9, 0.95]) WITHIN GROUP (ORDER BY t.actual_days)::numeric[] AS quantiles
  FROM lead_times_counted t WHERE t.supplier_id IN (SELECT a.supplier_id FROM asked a) GROUP BY 1
), squares AS (
  SELECT c.supplier_id, sum(c.n * c.n) AS squares FROM (
    SELECT t.supplier_id, count(*)::numeric AS n FROM lead_times_counted t
    WHERE t.supplier_id IN (SELECT a.supplier_id FROM asked a) GROUP BY t.supplier_id, t.variant_id) c GROUP BY 1
)
SELECT a.supplier_id, a.variant_id, s.code AS supplier, v.sku,
       coalesce(i.lead_time_days, s.lead_time_days) AS stated_days,
       coalesce(o.n, 0) AS n, o.mean, o.variance, coalesce(o.due, 0) AS due, coalesce(o.late, 0) AS late, o.quantiles,
       coalesce(t.n, 0) AS supplier_n, t.mean AS supplier_mean, coalesce(t.due, 0) AS supplier_due,
       coalesce(t.late, 0) AS supplier_late, t.quantiles AS supplier_quantiles, coalesce(q.squares, 0) AS supplier_squares
FROM asked a
JOIN suppliers s ON s.id = a.supplier_id
JOIN product_variants v ON v.id = a.variant_id
LEFT JOIN supplier_items i ON i.supplier_id = a.supplier_id AND i.variant_id = a.variant_id
LEFT JOIN own o ON o.supplier_id = a.supplier_id AND o.variant_id = a.variant_id
LEFT JOIN theirs t ON t.supplier_id = a.supplier_id
LEFT JOIN squares q ON q.supplier_id = a.supplier_id
ORDER BY a.supplier_id, a.variant_id;

-- name: pairs
-- Pairs of which something is known, or that a supplier offers, in the order of their ids.
SELECT p.supplier_id, p.variant_id FROM (
  SELECT t.supplier_id, t.variant_id FROM lead_times t
  UNION SELECT i.supplier_id, i.variant_id FROM supplier_items i
) p
WHERE (%(supplier_id)s::bigint IS NULL OR p.supplier_id = %(supplier_id)s::bigint)
  AND (%(variant_id)s::bigint IS NULL OR p.variant_id = %(variant_id)s::bigint)
  AND (%(after_supplier)s::bigint IS NULL
       OR (p.supplier_id, p.variant_id) > (%(after_supplier)s::bigint, %(after_variant)s::bigint))
ORDER BY 1, 2 LIMIT %(limit)s;

-- name: list_lead_times
SELECT t.id, t.supplier_id, s.code AS supplier, t.variant_id, v.sku, p.po_id, p.line_no AS po_line, t.import_id, t.reference,
       t.quantity, t.ordered_on, t.stated_days, t.promised_on, t.due_on, t.received_on, t.actual_days,
       t.received_on > t.due_on AS late, t.cancels_id, c.id AS cancelled_by, t.recorded_at
FROM lead_times t
JOIN suppliers s ON s.id = t.supplier_id
JOIN product_variants v ON v.id = t.variant_id
LEFT JOIN po_lines p ON p.id = t.po_line_id
LEFT JOIN lead_times c ON c.cancels_id = t.id
WHERE (%(supplier_id)s::bigint IS NULL OR t.supplier_id = %(supplier_id)s::bigint)
  AND (%(variant_id)s::bigint IS NULL OR t.variant_id = %(variant_id)s::bigint)
  AND (NOT %(counted)s OR (t.cancels_id IS NULL AND c.id IS NULL))
  AND (%(late)s::boolean IS NULL OR (t.received_on > t.due_on) IS NOT DISTINCT FROM %(late)s::boolean)
  AND (%(before)s::bigint IS NULL OR t.id < %(before)s::bigint)
ORDER BY t.id DESC LIMIT %(limit)s;

-- name: write_lead_times
INSERT INTO lead_times (supplier_id, variant_id, import_id, reference, quantity, ordered_on, stated_days, promised_on, received_on)
SELECT * FROM unnest(
  %(supplier_ids)s::bigint[], %(variant_ids)s::bigint[], %(import_ids)s::bigint[], %(references)s::text[],
  %(quantities)s::numeric[], %(ordered_ons)s::date[], %(stated_days)s::integer[], %(promised_ons)s::date[],
  %(received_ons)s::date[])
RETURNING id;

-- name: cancel_lead_times
INSERT INTO lead_times (supplier_id, variant_id, po_line_id, import_id, reference, quantity, ordered_on, stated_days, promised_on,
                        received_on, cancels_id)
SELECT t.supplier_id, t.variant_id, t.po_line_id, t.import_id, t.reference, t.quantity, t.ordered_on, t.stated_days, t.promised_on,
       t.received_on, t.id
FROM lead_times_counted t WHERE t.id = ANY (%(ids)s::bigint[]);
