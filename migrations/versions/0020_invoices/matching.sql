-- In what a line differs from what was ordered and what came, the gravest first. perpetua.purchasing.rules.matching says
-- the same in words; a test holds one against the other.
CREATE FUNCTION invoice_problems(
  kind text, known boolean, quantity numeric, unit_price numeric, rate numeric, ordered numeric, received numeric,
  before numeric, expected_price numeric, coming boolean, over_percent numeric, price_percent numeric, price_value numeric,
  quantity_percent numeric, quantity_value numeric, charge_value numeric
) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN kind <> 'goods' THEN
      CASE WHEN quantity * unit_price * rate > charge_value THEN '{NOT_ORDERED}'::text[] ELSE '{}' END
    WHEN NOT known THEN '{NOT_ORDERED}'
    ELSE array_remove(ARRAY[
      CASE WHEN abs(unit_price - expected_price) * 100 > expected_price * price_percent
             OR abs(unit_price - expected_price) * quantity * rate > price_value THEN 'PRICE_DIFFERS' END,
      CASE WHEN s.surplus > 0 AND (s.surplus * 100 > s.entitled * quantity_percent
                                   OR least(s.surplus, quantity) * unit_price * rate > quantity_value) THEN
        CASE WHEN coming AND before + quantity <= ordered THEN 'NOT_RECEIVED' ELSE 'QUANTITY_DIFFERS' END END
    ], NULL) END
  FROM (SELECT e.entitled, before + quantity - e.entitled AS surplus
        FROM (SELECT least(received, ordered * (100 + over_percent) * 0.01) AS entitled) e) s
$$;

-- Matches anew: the lines of these invoices, and all that were invoiced of these order lines or of those the invoices
-- name, as one invoice counts for the next. Their invoices are locked by id first, and their status follows.
CREATE FUNCTION invoices_match(of_po_lines bigint[], of_invoices bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE po bigint[]; ids bigint[];
BEGIN
  SELECT coalesce(array_agg(DISTINCT x.id), '{}') INTO po
  FROM (SELECT u.id FROM unnest(of_po_lines) AS u (id)
        UNION SELECT l.po_line_id FROM supplier_invoice_lines l
        WHERE l.invoice_id = ANY (of_invoices) AND l.po_line_id IS NOT NULL) x;
  SELECT coalesce(array_agg(DISTINCT x.id), '{}') INTO ids
  FROM (SELECT u.id FROM unnest(of_invoices) AS u (id)
        UNION SELECT l.invoice_id FROM supplier_invoice_lines l WHERE l.po_line_id = ANY (po)) x;
  PERFORM FROM supplier_invoices i WHERE i.id = ANY (ids) ORDER BY i.id FOR NO KEY UPDATE;

  UPDATE supplier_invoice_lines l
  SET ordered = f.ordered, received = f.received, invoiced_before = f.before, expected_price = f.expected_price,
      problems = f.problems,
      state = CASE
        WHEN d.decision = 'reject' THEN 'REJECTED'
        WHEN d.decision = 'credit' AND d.holds THEN 'DISPUTED'
        WHEN f.problems = '{}' THEN 'MATCHED'
        WHEN d.decision = 'accept' AND d.holds THEN 'ACCEPTED'
        ELSE f.problems[1] END
  FROM (
    SELECT x.*, invoice_problems(x.kind, x.known, x.quantity, x.unit_price, x.exchange_rate, x.ordered, x.received, x.before,
                                 x.expected_price, x.coming, x.over_percent, s.price_percent, s.price_value,
                                 s.quantity_percent, s.quantity_value, s.charge_value) AS problems
    FROM (
      SELECT l.id, l.kind, l.quantity, l.unit_price, l.decision_id, i.exchange_rate, i.settings_version,
             p.id IS NOT NULL AS known, p.ordered - p.cancelled AS ordered, p.received, p.on_order > 0 AS coming,
             o.over_percent,
             CASE WHEN i.currency = o.currency THEN p.unit_price
                  ELSE round(p.unit_price * o.exchange_rate / i.exchange_rate, 6) END AS expected_price,
             coalesce(sum(l.counted) OVER (PARTITION BY l.po_line_id ORDER BY l.id
                                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
      FROM unnest(po) AS of_line (id)
      JOIN supplier_invoice_lines l ON l.po_line_id = of_line.id
      JOIN supplier_invoices i ON i.id = l.invoice_id
      JOIN po_lines p ON p.id = l.po_line_id
      JOIN purchase_orders o ON o.id = p.po_id
      UNION ALL
      SELECT l.id, l.kind, l.quantity, l.unit_price, l.decision_id, i.exchange_rate, i.settings_version, false, NULL, NULL,
             false, NULL, NULL, 0
      FROM unnest(of_invoices) AS of_invoice (id)
      JOIN supplier_invoice_lines l ON l.invoice_id = of_invoice.id AND l.po_line_id IS NULL
      JOIN supplier_invoices i ON i.id = l.invoice_id
    ) x
    JOIN match_settings s ON s.version = x.settings_version
  ) f
  LEFT JOIN LATERAL (
    SELECT d.decision, coalesce(f.ordered >= d.ordered, true) AND coalesce(f.received >= d.received, true)
             AND f.before <= d.invoiced_before AND f.expected_price IS NOT DISTINCT FROM d.expected_price AS holds
    FROM supplier_invoice_decisions d WHERE d.id = f.decision_id
  ) d ON true
  WHERE l.id = f.id;

  UPDATE supplier_invoices i
  SET flagged = n.flagged, waiting = n.waiting, status = n.status, version = i.version + 1,
      updated_at = statement_timestamp()
  FROM (
    SELECT c.invoice_id, c.flagged, c.waiting, CASE
      WHEN c.status = 'RELEASED' THEN c.status
      WHEN c.flagged > 0 THEN 'FLAGGED'
      WHEN c.waiting > 0 THEN 'WAITING'
      WHEN c.disputed > 0 THEN 'DISPUTED'
      ELSE 'MATCHED' END AS status
    FROM (
      SELECT l.invoice_id, i.status,
             count(*) FILTER (WHERE l.state IN ('PRICE_DIFFERS', 'QUANTITY_DIFFERS', 'NOT_ORDERED')) AS flagged,
             count(*) FILTER (WHERE l.state = 'NOT_RECEIVED') AS waiting,
             count(*) FILTER (WHERE l.state = 'DISPUTED') AS disputed
      FROM unnest(ids) AS u (id)
      JOIN supplier_invoices i ON i.id = u.id AND i.status <> 'VOID'
      JOIN supplier_invoice_lines l ON l.invoice_id = i.id
      GROUP BY 1, 2
    ) c
  ) n
  WHERE i.id = n.invoice_id AND (i.flagged, i.waiting, i.status) IS DISTINCT FROM (n.flagged, n.waiting, n.status);
END $$;

-- Whoever writes what was ordered or what came, the invoices are right in the same statement. By its name it runs after
-- the positions are locked and written.
CREATE FUNCTION po_rematch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE ids bigint[];
BEGIN
  SELECT array_agg(c.id) INTO ids
  FROM (SELECT n.id, n.ordered, n.cancelled, n.received, n.unit_price FROM new_rows n
        EXCEPT SELECT o.id, o.ordered, o.cancelled, o.received, o.unit_price FROM old_rows o) c
  WHERE EXISTS (SELECT FROM supplier_invoice_lines l WHERE l.po_line_id = c.id);
  IF ids IS NOT NULL THEN
    PERFORM invoices_match(ids, '{}');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rematch AFTER UPDATE ON po_lines
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION po_rematch();

GRANT EXECUTE ON FUNCTION invoice_problems, invoices_match TO perpetua_app;
