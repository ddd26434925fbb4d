CREATE TABLE order_allocations (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  line_id    bigint NOT NULL,
  variant_id bigint NOT NULL,
  site_id    bigint NOT NULL,
  lot_id     bigint NOT NULL DEFAULT 0,
  quantity   numeric(18,4) NOT NULL CHECK (quantity > 0),
  state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'shipped', 'released')),
  made_at    timestamptz NOT NULL DEFAULT statement_timestamp(),
  ended_at   timestamptz,
  CONSTRAINT allocation_ended CHECK ((state = 'open') = (ended_at IS NULL))
) WITH (fillfactor = 85);
CREATE INDEX order_allocations_line ON order_allocations (line_id);
CREATE INDEX order_allocations_open ON order_allocations (variant_id, site_id, lot_id) WHERE state = 'open';
CREATE INDEX order_allocations_lots ON order_allocations (variant_id, site_id, lot_id) INCLUDE (quantity)
  WHERE state = 'open' AND lot_id <> 0;
COMMENT ON COLUMN order_allocations.variant_id IS 'of a kit''s line: the component';
COMMENT ON COLUMN order_allocations.lot_id IS 'the lot to pick, first expired first; 0 where lots are not tracked';

CREATE TABLE reservations (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       text NOT NULL CHECK (kind IN ('cart', 'quote', 'hold')),
  channel    text NOT NULL,
  holder     text NOT NULL CHECK (length(holder) BETWEEN 1 AND 200),
  variant_id bigint NOT NULL REFERENCES product_variants,
  site_id    bigint NOT NULL REFERENCES locations,
  lot_id     bigint NOT NULL DEFAULT 0,
  quantity   numeric(18,4) NOT NULL CHECK (quantity > 0),
  state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ordered', 'released', 'expired')),
  expires_at timestamptz NOT NULL,
  created_by bigint NOT NULL REFERENCES people,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  ended_at   timestamptz,
  CONSTRAINT reservation_ended CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE INDEX reservations_open ON reservations (variant_id, site_id, expires_at) WHERE state = 'open';
CREATE INDEX reservations_holder ON reservations (channel, holder) WHERE state = 'open';
CREATE INDEX reservations_due ON reservations (expires_at) WHERE state = 'open';
CREATE INDEX reservations_expired ON reservations (ended_at) WHERE state = 'expired';
COMMENT ON COLUMN reservations.holder IS 'the cart, quote or reason that holds the stock, as its channel names it';

-- The rules of allocation. The newest version counts; none is ever changed.
CREATE TABLE allocation_config (
  version    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rules      jsonb NOT NULL,
  note       text,
  created_by bigint NOT NULL REFERENCES people,
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO allocation_config (rules, note, created_by) VALUES ('{}', 'as installed', 0);

-- Every decision, with the numbers it was made from. No foreign keys: it outlives what it tells of, and is never changed.
CREATE TABLE allocation_audit_log (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at             timestamptz NOT NULL DEFAULT statement_timestamp(),
  actor_id       bigint NOT NULL,
  action         text NOT NULL CHECK (action IN (
                   'allocated', 'partly_allocated', 'backordered', 'refused', 'filled', 'released', 'cancelled', 'changed',
                   'shipped', 'reserved', 'reservation_ended', 'taken', 'jumped', 'moved')),
  order_id       bigint,
  line_id        bigint,
  reservation_id bigint,
  variant_id     bigint NOT NULL,
  asked          numeric(18,4) NOT NULL,
  given          numeric(18,4) NOT NULL,
  config_version integer NOT NULL,
  facts          jsonb NOT NULL,
  reason         text
);
CREATE INDEX allocation_audit_order ON allocation_audit_log (order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX allocation_audit_at ON allocation_audit_log USING brin (at);
CREATE INDEX allocation_audit_variant ON allocation_audit_log (variant_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON allocation_audit_log
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON allocation_audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The promise itself: what is allocated and reserved at a site is there, in places that may be sold from.
ALTER TABLE inventory_positions ADD CONSTRAINT position_not_oversold
  CHECK (allocated + reserved <= greatest(on_hand - unsellable, 0));

-- Keeps the positions' allocated and reserved, whoever writes allocations and reservations, in the same statement; where
-- there is no position, nothing is there to be promised. Nested loops are forced: the cached plan must stay right whether
-- one row or ten thousand come.
CREATE FUNCTION promise_project() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE variants bigint[]; sites bigint[]; quantities numeric[]; touched bigint;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(d.variant_id), array_agg(d.site_id), array_agg(d.quantity) INTO variants, sites, quantities
    FROM (SELECT n.variant_id, n.site_id, sum(n.quantity) AS quantity
          FROM new_rows n WHERE n.state = 'open' GROUP BY 1, 2) d;
  ELSE
    SELECT array_agg(d.variant_id), array_agg(d.site_id), array_agg(d.quantity) INTO variants, sites, quantities
    FROM (SELECT x.variant_id, x.site_id, sum(x.quantity) AS quantity
          FROM (SELECT n.variant_id, n.site_id, n.quantity FROM new_rows n WHERE n.state = 'open'
                UNION ALL SELECT o.variant_id, o.site_id, -o.quantity FROM old_rows o WHERE o.state = 'open') x
          GROUP BY 1, 2 HAVING sum(x.quantity) <> 0) d;
  END IF;

  UPDATE inventory_positions p
  SET allocated = p.allocated + CASE WHEN TG_TABLE_NAME = 'order_allocations' THEN d.quantity ELSE 0 END,
      reserved = p.reserved + CASE WHEN TG_TABLE_NAME = 'reservations' THEN d.quantity ELSE 0 END,
      version = p.version + 1
  FROM unnest(variants, sites, quantities) AS d (variant_id, site_id, quantity)
  WHERE p.variant_id = d.variant_id AND p.site_id = d.site_id;
  GET DIAGNOSTICS touched = ROW_COUNT;
  IF touched < coalesce(cardinality(variants), 0) THEN
    RAISE check_violation USING CONSTRAINT = 'position_not_oversold', MESSAGE = 'what is promised has no position';
  END IF;
  RETURN NULL;
END $$;

-- As order_lines_belong: lines are never removed, so it is enough to look once, for a whole statement.
CREATE FUNCTION order_allocations_belong() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE orphan bigint;
BEGIN
  SELECT n.line_id INTO orphan FROM new_rows n WHERE NOT EXISTS (SELECT FROM order_lines l WHERE l.id = n.line_id) LIMIT 1;
  IF FOUND THEN
    RAISE foreign_key_violation USING
      CONSTRAINT = 'order_allocations_belong', MESSAGE = format('what is allocated to line %s belongs to no line', orphan);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER belong AFTER INSERT ON order_allocations
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION order_allocations_belong();
CREATE TRIGGER never_moved BEFORE DELETE OR UPDATE OF line_id ON order_allocations
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

CREATE TRIGGER project_new AFTER INSERT ON order_allocations
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION promise_project();
CREATE TRIGGER project_change AFTER UPDATE ON order_allocations
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION promise_project();
CREATE TRIGGER project_new AFTER INSERT ON reservations
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION promise_project();
CREATE TRIGGER project_change AFTER UPDATE ON reservations
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION promise_project();

-- Locks the positions of these variants at these sites, in the order that the ledger locks them, ends the reservations
-- that have expired there, and tells what is there, and where some have ended (what they held goes first to those who
-- wait). What is read here stays so until the transaction ends: the check and what follows from it share one lock. Where
-- there is no position to lock, the ledger is kept from making one meanwhile, so that goods which come at this moment find
-- whoever is told here that there are none.
CREATE FUNCTION allocation_lock(variants bigint[], sites bigint[])
RETURNS TABLE (variant_id bigint, site_id bigint, on_hand numeric, unsellable numeric, allocated numeric, reserved numeric,
               freed boolean)
LANGUAGE plpgsql SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE wanted bigint[]; at_site bigint[]; expired bigint[];
BEGIN
  -- As pairs: every look-up is then by the whole key, whatever the planner thinks of how many there are.
  SELECT array_agg(u.v ORDER BY u.v, t.s), array_agg(t.s ORDER BY u.v, t.s) INTO wanted, at_site
  FROM (SELECT DISTINCT v FROM unnest(variants) AS u (v)) u CROSS JOIN unnest(sites) AS t (s);
  -- Where there is no position, the ledger is kept from making one before anything is locked: one that came between would
  -- be locked out of the one order of all.
  PERFORM pg_advisory_xact_lock_shared(7003, k.key)
  FROM (SELECT DISTINCT (w.v % 64)::integer AS key FROM unnest(wanted, at_site) AS w (v, s)
        WHERE NOT EXISTS (SELECT FROM inventory_positions p WHERE p.variant_id = w.v AND p.site_id = w.s)
        ORDER BY 1) k;
  PERFORM 1 FROM unnest(wanted, at_site) AS w (v, s)
  JOIN inventory_positions p ON p.variant_id = w.v AND p.site_id = w.s
  ORDER BY p.variant_id, p.site_id
  FOR NO KEY UPDATE OF p;

  SELECT array_agg(r.id) INTO expired
  FROM unnest(wanted, at_site) AS w (v, s) JOIN reservations r ON r.variant_id = w.v AND r.site_id = w.s
  WHERE r.state = 'open' AND r.expires_at <= clock_timestamp();
  IF expired IS NOT NULL THEN
    WITH ended AS (
      UPDATE reservations r SET state = 'expired', ended_at = clock_timestamp() WHERE r.id = ANY (expired) AND r.state = 'open'
      RETURNING r.id, r.variant_id AS v, r.site_id AS s, r.quantity, r.channel, r.holder
    )
    INSERT INTO allocation_audit_log (actor_id, action, reservation_id, variant_id, asked, given, config_version, facts, reason)
    SELECT 0, 'reservation_ended', e.id, e.v, e.quantity, 0, (SELECT max(c.version) FROM allocation_config c),
           jsonb_build_object('site_id', e.s, 'holder', e.holder, 'channel', e.channel, 'state', 'expired'), 'it expired'
    FROM ended e;
  END IF;

  RETURN QUERY
  SELECT p.variant_id, p.site_id, p.on_hand, p.unsellable, p.allocated, p.reserved,
         expired IS NOT NULL AND EXISTS (SELECT FROM reservations r WHERE r.id = ANY (expired)
                                         AND r.variant_id = p.variant_id AND r.site_id = p.site_id)
  FROM unnest(wanted, at_site) AS w (v, s) JOIN inventory_positions p ON p.variant_id = w.v AND p.site_id = w.s;
END $$;

-- Whether somebody who is confined to these places sees the order, whole: it has or had stock of a site of theirs, or it may
-- still get some. It waits, or had nothing of anybody's; and it is not to come from another site.
CREATE FUNCTION order_in_scope(of_order bigint, scope bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = public
AS $$
DECLARE only_from bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM locations s WHERE s.id = ANY (scope) AND s.parent_id IS NULL) THEN
    RETURN false;
  END IF;
  SELECT o.site_id INTO only_from FROM orders o WHERE o.id = of_order;
  RETURN coalesce(only_from = ANY (scope), false)
    OR EXISTS (SELECT FROM order_lines l JOIN order_allocations a ON a.line_id = l.id
               WHERE l.order_id = of_order AND a.site_id = ANY (scope))
    OR only_from IS NULL AND (
      EXISTS (SELECT FROM order_lines l WHERE l.order_id = of_order
              AND l.backordered > 0)
      OR NOT EXISTS (SELECT FROM order_lines l JOIN order_allocations a ON a.line_id = l.id WHERE l.order_id = of_order));
END $$;

-- A kit is its components: what has stock of its own is none, and while orders hold or want one it stays as it is.
CREATE FUNCTION keep_kits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
AS $$
DECLARE this_kit bigint := coalesce(NEW.kit_id, OLD.kit_id);
BEGIN
  -- Whoever takes an order of a kit holds this shared from when he reads what it is made of until the order is written.
  PERFORM pg_advisory_xact_lock(7016);
  IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM inventory_levels v WHERE v.variant_id = this_kit AND v.on_hand <> 0) THEN
    RAISE EXCEPTION 'item % has stock', this_kit USING ERRCODE = 'check_violation', CONSTRAINT = 'kit_has_stock';
  END IF;
  IF EXISTS (SELECT FROM order_lines l WHERE l.variant_id = this_kit AND l.backordered > 0)
     OR EXISTS (SELECT FROM order_allocations a JOIN order_lines l ON l.id = a.line_id
                WHERE a.state = 'open' AND l.variant_id = this_kit
                  AND a.variant_id IN (SELECT k.component_id FROM kit_components k WHERE k.kit_id = this_kit
                                       UNION ALL SELECT OLD.component_id UNION ALL SELECT this_kit)) THEN
    RAISE EXCEPTION 'orders want %', this_kit USING ERRCODE = 'check_violation', CONSTRAINT = 'kit_is_promised';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER keep_kits BEFORE INSERT OR UPDATE OR DELETE ON kit_components FOR EACH ROW EXECUTE FUNCTION keep_kits();

GRANT SELECT, INSERT, UPDATE ON customers, orders, order_contacts, order_lines, order_allocations, reservations TO perpetua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON kit_components TO perpetua_app;
-- Ids are drawn ahead, so that an order, its lines, its allocations and their reasons are written without looking back.
GRANT USAGE ON SEQUENCE orders_id_seq, order_lines_id_seq TO perpetua_app;
GRANT SELECT, INSERT ON allocation_config, allocation_audit_log TO perpetua_app;
-- What is allocated and reserved is the triggers' alone, now that there are triggers.
REVOKE UPDATE (allocated, reserved) ON inventory_positions FROM perpetua_app;
GRANT EXECUTE ON FUNCTION allocation_lock, order_in_scope TO perpetua_app;
