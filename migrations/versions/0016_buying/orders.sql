-- What was ordered of suppliers. All but a draft's text follows from the lines.
CREATE TABLE purchase_orders (
  id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  supplier_id        bigint NOT NULL REFERENCES suppliers,
  site_id            bigint NOT NULL REFERENCES locations,
  status             text NOT NULL DEFAULT 'DRAFT' CHECK (status IN (
                       'DRAFT', 'SUBMITTED', 'CONFIRMED', 'PARTIAL_RECEIVED', 'RECEIVED', 'CANCELLED')),
  external_id        text CHECK (length(external_id) BETWEEN 1 AND 200),
  currency           text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  exchange_rate      numeric(18,8) NOT NULL CHECK (exchange_rate > 0),
  over_percent       numeric(5,2) NOT NULL CHECK (over_percent BETWEEN 0 AND 100),
  wanted_on          date,
  supplier_reference text CHECK (length(supplier_reference) BETWEEN 1 AND 200),
  note               text CHECK (length(note) BETWEEN 1 AND 2000),
  proposal           jsonb,
  proposed_by        bigint REFERENCES people,
  proposed_at        timestamptz,
  created_by         bigint NOT NULL REFERENCES people,
  created_at         timestamptz NOT NULL DEFAULT statement_timestamp(),
  submitted_at       timestamptz,
  version            integer NOT NULL DEFAULT 1,
  updated_at         timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT po_proposal_whole CHECK ((proposal IS NULL) = (proposed_by IS NULL) AND (proposal IS NULL) = (proposed_at IS NULL))
);
CREATE UNIQUE INDEX purchase_orders_external ON purchase_orders (supplier_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX purchase_orders_supplier ON purchase_orders (supplier_id, id);
CREATE INDEX purchase_orders_site ON purchase_orders (site_id, id);
CREATE INDEX purchase_orders_open ON purchase_orders (id) WHERE status NOT IN ('RECEIVED', 'CANCELLED');
COMMENT ON COLUMN purchase_orders.exchange_rate IS 'what one unit of its currency is worth in the company''s';
COMMENT ON COLUMN purchase_orders.over_percent IS 'so much more than ordered is taken at the dock without a question';
COMMENT ON COLUMN purchase_orders.proposal IS 'a change that makes it dearer, and waits for approval';

CREATE TABLE po_lines (
  id                    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  po_id                 bigint NOT NULL REFERENCES purchase_orders,
  line_no               integer NOT NULL CHECK (line_no > 0),
  variant_id            bigint NOT NULL REFERENCES product_variants,
  site_id               bigint NOT NULL REFERENCES locations,
  supplier_sku          text,
  placed                boolean NOT NULL DEFAULT false,
  ordered               numeric(18,4) NOT NULL CHECK (ordered > 0),
  received              numeric(18,4) NOT NULL DEFAULT 0 CHECK (received >= 0),
  cancelled             numeric(18,4) NOT NULL DEFAULT 0 CHECK (cancelled >= 0 AND cancelled <= ordered),
  on_order              numeric(18,4) GENERATED ALWAYS AS (
                          CASE WHEN placed THEN greatest(ordered - received - cancelled, 0) ELSE 0 END) STORED,
  unit_price            numeric(18,6) NOT NULL CHECK (unit_price >= 0),
  stated_lead_time_days integer CHECK (stated_lead_time_days BETWEEN 0 AND 1000),
  wanted_on             date,
  expected_on           date,
  promised_on           date,
  first_promised_on     date,
  promised_quantity     numeric(18,4) CHECK (promised_quantity >= 0),
  CONSTRAINT po_line_placed CHECK (placed OR received = 0)
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX po_lines_number ON po_lines (po_id, line_no);
CREATE INDEX po_lines_open ON po_lines (variant_id, site_id) INCLUDE (on_order, expected_on) WHERE on_order > 0;
CREATE INDEX po_lines_due ON po_lines (expected_on) WHERE on_order > 0;
CREATE INDEX po_lines_variant ON po_lines (variant_id, po_id);
COMMENT ON COLUMN po_lines.site_id IS 'its order''s';
COMMENT ON COLUMN po_lines.placed IS 'its order was submitted';
COMMENT ON COLUMN po_lines.cancelled IS 'taken back, or closed short';
COMMENT ON COLUMN po_lines.unit_price IS 'in the order''s currency';
COMMENT ON COLUMN po_lines.expected_on IS 'as the supplier promised; until then by the lead time that was stated';
COMMENT ON COLUMN po_lines.first_promised_on IS 'the first promise stays, whatever is promised later';

CREATE TABLE po_approvals (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  po_id     bigint NOT NULL REFERENCES purchase_orders,
  person_id bigint NOT NULL REFERENCES people CHECK (person_id > 0),
  total     numeric(28,10) NOT NULL CHECK (total >= 0),
  note      text CHECK (length(note) BETWEEN 1 AND 500),
  at        timestamptz NOT NULL DEFAULT statement_timestamp(),
  ended_at  timestamptz
);
CREATE UNIQUE INDEX po_approvals_person ON po_approvals (po_id, person_id) WHERE ended_at IS NULL;
COMMENT ON COLUMN po_approvals.total IS 'what was approved, in the company''s currency';
COMMENT ON COLUMN po_approvals.ended_at IS 'it became dearer since: to be approved again';

-- Each change after submission keeps the document as it was before.
CREATE TABLE po_versions (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  po_id     bigint NOT NULL REFERENCES purchase_orders,
  version   integer NOT NULL,
  action    text NOT NULL,
  reason    text,
  person_id bigint NOT NULL REFERENCES people,
  at        timestamptz NOT NULL DEFAULT statement_timestamp(),
  document  jsonb NOT NULL
);
CREATE UNIQUE INDEX po_versions_version ON po_versions (po_id, version);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON po_versions
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE po_sends (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  po_id        bigint NOT NULL REFERENCES purchase_orders,
  to_address   text,
  state        text NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'not_sent')),
  reason       text,
  requested_by bigint NOT NULL REFERENCES people,
  requested_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  ended_at     timestamptz
);
CREATE INDEX po_sends_po ON po_sends (po_id, id);

-- An order is never removed; nor a line that was placed, nor does a line go over to another order.
CREATE FUNCTION po_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.placed AND (TG_OP = 'DELETE' OR NEW.po_id <> OLD.po_id OR NEW.variant_id <> OLD.variant_id
                     OR NEW.site_id <> OLD.site_id OR NOT NEW.placed) THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('line %s was ordered: %s refused', OLD.id, TG_OP), HINT = 'Cancel it.';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER keep BEFORE DELETE OR UPDATE OF po_id, variant_id, site_id, placed ON po_lines
  FOR EACH ROW WHEN (OLD.placed) EXECUTE FUNCTION po_keep();
CREATE TRIGGER never_removed BEFORE DELETE ON purchase_orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

-- An order's status, as its lines come to it.
CREATE FUNCTION po_status(of_po bigint) RETURNS text LANGUAGE sql STABLE SET search_path = public AS $$
  SELECT CASE
    WHEN sum(l.received) > 0 AND bool_and(l.on_order = 0) THEN 'RECEIVED'
    WHEN sum(l.received) > 0 THEN 'PARTIAL_RECEIVED'
    WHEN bool_and(l.cancelled = l.ordered) THEN 'CANCELLED'
    WHEN NOT bool_or(l.placed) OR count(*) = 0 THEN 'DRAFT'
    WHEN bool_and(l.on_order = 0 OR l.promised_on IS NOT NULL) THEN 'CONFIRMED'
    ELSE 'SUBMITTED' END
  FROM po_lines l WHERE l.po_id = of_po
$$;

-- Keeps what is on order in the positions, and the orders' statuses, whoever writes lines, in the same statement. The
-- positions are locked (and made where there are none) as the ledger does it.
CREATE FUNCTION po_project() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE variants bigint[]; sites bigint[]; quantities numeric[]; pos bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(d.variant_id), array_agg(d.site_id), array_agg(d.quantity) INTO variants, sites, quantities
    FROM (SELECT n.variant_id, n.site_id, sum(n.on_order) AS quantity FROM new_rows n
          GROUP BY 1, 2 HAVING sum(n.on_order) <> 0) d;
    SELECT array_agg(DISTINCT n.po_id) INTO pos FROM new_rows n;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT o.po_id) INTO pos FROM old_rows o;
  ELSE
    SELECT array_agg(d.variant_id), array_agg(d.site_id), array_agg(d.quantity) INTO variants, sites, quantities
    FROM (SELECT x.variant_id, x.site_id, sum(x.quantity) AS quantity
          FROM (SELECT n.variant_id, n.site_id, n.on_order AS quantity FROM new_rows n
                UNION ALL SELECT o.variant_id, o.site_id, -o.on_order FROM old_rows o) x
          GROUP BY 1, 2 HAVING sum(x.quantity) <> 0) d;
    SELECT array_agg(DISTINCT n.po_id) INTO pos FROM new_rows n;
  END IF;

  IF variants IS NOT NULL THEN
    PERFORM ledger_lock(variants, sites);
    UPDATE inventory_positions p
    SET on_order = p.on_order + d.quantity, version = p.version + 1
    FROM unnest(variants, sites, quantities) AS d (variant_id, site_id, quantity)
    WHERE p.variant_id = d.variant_id AND p.site_id = d.site_id;
  END IF;
  UPDATE purchase_orders o SET status = s.status
  FROM (SELECT p.id, po_status(p.id) AS status FROM unnest(pos) AS p (id)) s
  WHERE o.id = s.id AND o.status <> s.status;
  RETURN NULL;
END $$;
CREATE TRIGGER project_new AFTER INSERT ON po_lines
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION po_project();
CREATE TRIGGER project_change AFTER UPDATE ON po_lines
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION po_project();
CREATE TRIGGER project_removal AFTER DELETE ON po_lines
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION po_project();

-- Whether somebody who is confined to these places sees the orders of a site: they have a place there.
CREATE FUNCTION site_in_scope(of_site bigint, scope bigint[]) RETURNS boolean LANGUAGE sql STABLE SET search_path = public AS $$
  SELECT scope IS NULL OR EXISTS (SELECT FROM locations l WHERE l.id = ANY (scope) AND l.site_id = of_site)
$$;

GRANT SELECT, INSERT, UPDATE ON purchase_orders, po_approvals, po_sends TO perpetua_app;
GRANT SELECT, INSERT, DELETE ON po_lines TO perpetua_app;
GRANT UPDATE (site_id, placed, ordered, received, cancelled, unit_price, stated_lead_time_days, wanted_on, expected_on,
              promised_on, first_promised_on, promised_quantity) ON po_lines TO perpetua_app;
GRANT SELECT, INSERT ON po_versions TO perpetua_app;
GRANT EXECUTE ON FUNCTION po_status, site_in_scope TO perpetua_app;
GRANT USAGE ON SEQUENCE purchase_orders_id_seq TO perpetua_app;
-- What is on order is the trigger's alone, now that there is one.
REVOKE UPDATE (on_order) ON inventory_positions FROM perpetua_app;
