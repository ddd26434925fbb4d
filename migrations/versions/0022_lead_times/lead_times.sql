-- How long lines of orders took to come. Nothing is ever changed: what was wrong is cancelled by a row that names it.
CREATE TABLE lead_times (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  supplier_id bigint NOT NULL REFERENCES suppliers,
  variant_id  bigint NOT NULL REFERENCES product_variants,
  po_line_id  bigint REFERENCES po_lines,
  import_id   bigint,
  reference   text CHECK (length(reference) BETWEEN 1 AND 200),
  quantity    numeric(18,4) CHECK (quantity > 0),
  ordered_on  date NOT NULL,
  stated_days integer CHECK (stated_days BETWEEN 0 AND 10000),
  promised_on date,
  due_on      date GENERATED ALWAYS AS (coalesce(promised_on, ordered_on + stated_days)) STORED,
  received_on date NOT NULL,
  actual_days integer GENERATED ALWAYS AS (received_on - ordered_on) STORED,
  cancels_id  bigint REFERENCES lead_times,
  recorded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT lead_time_forward CHECK (received_on >= ordered_on),
  CONSTRAINT lead_time_source CHECK ((po_line_id IS NULL) <> (import_id IS NULL))
);
CREATE UNIQUE INDEX lead_times_cancels ON lead_times (cancels_id) WHERE cancels_id IS NOT NULL;
CREATE INDEX lead_times_pair ON lead_times (supplier_id, variant_id, id);
CREATE INDEX lead_times_po_line ON lead_times (po_line_id, id) WHERE po_line_id IS NOT NULL;
COMMENT ON COLUMN lead_times.stated_days IS 'days of the year, as the supplier stated when it was ordered';
COMMENT ON COLUMN lead_times.promised_on IS 'the first promise: later ones do not make it on time';
COMMENT ON COLUMN lead_times.received_on IS 'the day on which the last of it came';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON lead_times FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Those that count.
CREATE VIEW lead_times_counted AS
SELECT l.* FROM lead_times l
WHERE l.cancels_id IS NULL AND NOT EXISTS (SELECT FROM lead_times c WHERE c.cancels_id = l.id);

ALTER TABLE po_lines ADD COLUMN last_received_on date;
COMMENT ON COLUMN po_lines.last_received_on IS 'the latest day on which goods of it came';

-- A line of which something came and nothing more is to come has a lead time; when that is no longer so, it is cancelled.
CREATE FUNCTION lead_time_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public
-- By hash: old and new rows met one by one would be 25 million pairs for 5,000 lines.
SET enable_mergejoin = off SET enable_seqscan = off
AS $$
BEGIN
  INSERT INTO lead_times (supplier_id, variant_id, po_line_id, quantity, ordered_on, stated_days, promised_on, received_on,
                          cancels_id)
  SELECT t.supplier_id, t.variant_id, t.po_line_id, t.quantity, t.ordered_on, t.stated_days, t.promised_on, t.received_on, t.id
  FROM new_rows n JOIN old_rows o ON o.id = n.id
  JOIN lead_times t ON t.po_line_id = n.id AND t.cancels_id IS NULL
  WHERE o.received > 0 AND o.on_order = 0 AND (n.received = 0 OR n.on_order > 0)
    AND NOT EXISTS (SELECT FROM lead_times c WHERE c.cancels_id = t.id)
  ORDER BY t.id;
  INSERT INTO lead_times (supplier_id, variant_id, po_line_id, quantity, ordered_on, stated_days, promised_on, received_on)
  SELECT p.supplier_id, n.variant_id, n.id, n.received, p.submitted_at::date, n.stated_lead_time_days, n.first_promised_on,
         greatest(n.last_received_on, p.submitted_at::date)
  FROM new_rows n JOIN old_rows o ON o.id = n.id JOIN purchase_orders p ON p.id = n.po_id
  WHERE n.received > 0 AND n.on_order = 0 AND (o.received = 0 OR o.on_order > 0)
    AND n.last_received_on IS NOT NULL AND p.submitted_at IS NOT NULL
  ORDER BY n.id;
  RETURN NULL;
END $$;
CREATE TRIGGER lead_time AFTER UPDATE ON po_lines
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION lead_time_note();

GRANT SELECT, INSERT ON lead_times TO perpetua_app;
GRANT SELECT ON lead_times_counted TO perpetua_app;
GRANT UPDATE (last_received_on) ON po_lines TO perpetua_app;
