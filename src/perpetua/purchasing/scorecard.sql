-- name: scorecards
-- How suppliers did in a window of days: all that are asked for in one statement.
WITH asked AS (
  SELECT s.id, s.code, s.name, s.currency, s.active FROM suppliers s
  WHERE (%(supplier_id)s::bigint IS NULL OR s.id = %(supplier_id)s::bigint)
    AND (%(active)s::boolean IS NULL OR s.active = %(active)s::boolean)
    AND (%(after_code)s::text IS NULL OR (upper(s.code), s.id) > (%(after_code)s::text, %(after_id)s::bigint))
  ORDER BY upper(s.code), s.id LIMIT %(limit)s
), due AS (
  SELECT o.supplier_id, count(*) AS lines,
         count(*) FILTER (WHERE l.received >= l.ordered - l.cancelled AND l.received > 0
                            AND l.last_received_on <= coalesce(l.first_promised_on, l.expected_on)) AS on_time,
         sum(least(l.received, l.ordered) * l.unit_price * o.exchange_rate) AS filled,
         sum(l.ordered * l.unit_price * o.exchange_rate) AS ordered
  FROM asked a JOIN purchase_orders o ON o.supplier_id = a.id JOIN po_lines l ON l.po_id = o.id
  WHERE l.placed AND NOT (l.received = 0 AND l.cancelled = l.ordered) AND site_in_scope(l.site_id, %(scope)s::bigint[])
    AND coalesce(l.first_promised_on, l.expected_on) > %(since)s::date
    AND coalesce(l.first_promised_on, l.expected_on) <= %(until)s::date
  GROUP BY 1
), came AS (
  SELECT coalesce(o.supplier_id, r.supplier_id) AS supplier_id, count(*) AS lines
  FROM receipt_lines l JOIN receipts r ON r.id = l.receipt_id
  LEFT JOIN po_lines p ON p.id = l.po_line_id LEFT JOIN purchase_orders o ON o.id = p.po_id
  WHERE l.undone_at IS NULL AND l.received_at >= %(since)s::date + 1 AND l.received_at < %(until)s::date + 1
    AND site_in_scope(r.site_id, %(scope)s::bigint[])
  GROUP BY 1
), odd AS (
  SELECT x.supplier_id, sum(x.n) AS n, jsonb_object_agg(x.kind, x.n) AS kinds
  FROM (
    SELECT coalesce(o.supplier_id, r.supplier_id) AS supplier_id, d.kind, count(*) AS n
    FROM receipt_discrepancies d JOIN receipts r ON r.id = d.receipt_id
    LEFT JOIN po_lines p ON p.id = d.po_line_id LEFT JOIN purchase_orders o ON o.id = p.po_id
    WHERE d.status <> 'UNDONE' AND d.noted_at >= %(since)s::date + 1 AND d.noted_at < %(until)s::date + 1
      AND site_in_scope(r.site_id, %(scope)s::bigint[])
    GROUP BY 1, 2
  ) x GROUP BY 1
), billed AS (
  SELECT i.supplier_id, l.variant_id, l.id AS line_id, l.quantity, l.unit_price, i.invoiced_on,
         first_value(l.unit_price) OVER w AS first_price
  FROM asked a
  JOIN supplier_invoices i ON i.supplier_id = a.id AND i.currency = a.currency AND i.status <> 'VOID'
  JOIN supplier_invoice_lines l ON l.invoice_id = i.id AND l.kind = 'goods' AND l.variant_id IS NOT NULL
  WHERE i.invoiced_on <= %(until)s::date
  WINDOW w AS (PARTITION BY i.supplier_id, l.variant_id ORDER BY i.invoiced_on, l.id)
), earlier AS (
  SELECT DISTINCT ON (b.supplier_id, b.variant_id) b.supplier_id, b.variant_id, b.unit_price
  FROM billed b WHERE b.invoiced_on <= %(since)s::date
  ORDER BY b.supplier_id, b.variant_id, b.invoiced_on DESC, b.line_id DESC
), drift AS (
  SELECT b.supplier_id, sum(b.quantity * b.unit_price) / nullif(sum(b.quantity * b.first_price), 0) - 1 AS since_first,
         sum(b.quantity * b.unit_price) FILTER (WHERE e.unit_price IS NOT NULL)
           / nullif(sum(b.quantity * e.unit_price), 0) - 1 AS since_before
  FROM billed b LEFT JOIN earlier e ON e.supplier_id = b.supplier_id AND e.variant_id = b.variant_id
  WHERE b.invoiced_on > %(since)s::date
  GROUP BY 1
), times AS (
  SELECT t.supplier_id, count(*) AS n, avg(t.actual_days) AS mean, stddev_samp(t.actual_days) AS deviation
  FROM asked a JOIN lead_times_counted t ON t.supplier_id = a.id
  WHERE t.received_on > %(since)s::date AND t.received_on <= %(until)s::date
  GROUP BY 1
)
SELECT a.id AS supplier_id, a.code AS supplier, a.name AS supplier_name, coalesce(d.lines, 0) AS lines_due,
       coalesce(d.on_time, 0) AS lines_on_time, round(d.on_time::numeric / d.lines, 4) AS on_time_share,
       round(d.filled / nullif(d.ordered, 0), 4) AS fill_rate, coalesce(c.lines, 0) AS lines_received,
       coalesce(x.n, 0)::bigint AS discrepancies, coalesce(x.kinds, '{}') AS discrepancy_kinds,
       round(x.n / nullif(c.lines, 0), 4) AS discrepancy_share, round(f.since_first, 4) AS price_change_since_first,
       round(f.since_before, 4) AS price_change_since_before, coalesce(t.n, 0) AS lead_times,
       round(t.mean, 2) AS lead_time_mean_days, round(t.deviation, 2) AS lead_time_deviation_days
FROM asked a
LEFT JOIN due d ON d.supplier_id = a.id
LEFT JOIN came c ON c.supplier_id = a.id
LEFT JOIN odd x ON x.supplier_id = a.id
LEFT JOIN drift f ON f.supplier_id = a.id
LEFT JOIN times t ON t.supplier_id = a.id
ORDER BY upper(a.code), a.id;
