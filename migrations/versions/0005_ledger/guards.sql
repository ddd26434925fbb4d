-- What the ledger refuses, whoever asks.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE insufficient_privilege USING
    MESSAGE = format('%s is append-only: %s refused', TG_TABLE_NAME, TG_OP), HINT = 'Correct with new rows.';
END $$;

-- Row triggers on the partitioned table are inherited by every partition; statement triggers (TRUNCATE) are not, so
-- ledger_make_partitions puts one on each.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_transactions
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON inventory_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON postings FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON corrections FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION ledger_make_partitions(first_month date, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE month date; name text; made integer := 0;
BEGIN
  -- Two that make the same partition wait for each other instead of failing.
  PERFORM pg_advisory_xact_lock(7002);
  FOR i IN 0 .. months - 1 LOOP
    month := (date_trunc('month', first_month) + make_interval(months => i))::date;
    name := 'inventory_transactions_' || to_char(month, '"y"YYYY"m"MM');
    CONTINUE WHEN to_regclass(name) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I PARTITION OF inventory_transactions FOR VALUES FROM (%L) TO (%L)', name,
                   month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
SELECT ledger_make_partitions((now() AT TIME ZONE 'UTC')::date, 6);

-- How an item is counted cannot change under its history.
-- By EXECUTE, so that each run is planned for its own number of items: an import changes thousands at once. By min(), as
-- with LIMIT 1 the planner hopes to find one at once, and joins row by row.
CREATE FUNCTION ledger_guard_variants() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong text[];
BEGIN
  EXECUTE 'SELECT min(ARRAY[n.sku, CASE WHEN o.tracking <> n.tracking THEN ''tracking'' ELSE ''unit'' END])
           FROM old_variants o JOIN new_variants n USING (id)
           WHERE (o.tracking <> n.tracking OR o.unit <> n.unit)
             AND EXISTS (SELECT FROM inventory_levels v WHERE v.variant_id = n.id)' INTO wrong;
  IF wrong IS NOT NULL THEN
    RAISE foreign_key_violation USING CONSTRAINT = 'variant_has_movements', DETAIL = wrong[2],
      MESSAGE = format('%s has movements: its %s stays', wrong[1], wrong[2]);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER guard_movements AFTER UPDATE ON product_variants
  REFERENCING OLD TABLE AS old_variants NEW TABLE AS new_variants
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_variants();

-- A place whose stock has a history stays; the refusal says what lies there.
CREATE FUNCTION ledger_lies_at(place bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE count(*) WHEN 0 THEN 'has held stock' ELSE
           'holds ' || string_agg(format('%s of %s', trim_scale(x.on_hand), x.sku), ', ' ORDER BY x.n) FILTER (WHERE x.n <= 3)
           || CASE WHEN count(*) > 3 THEN format(' and %s more', count(*) - 3) ELSE '' END END
  FROM (SELECT v.sku, sum(l.on_hand) AS on_hand, row_number() OVER (ORDER BY v.sku) AS n
        FROM inventory_levels l JOIN product_variants v ON v.id = l.variant_id
        WHERE l.location_id = place GROUP BY v.sku HAVING sum(l.on_hand) <> 0) x
$$;

CREATE FUNCTION ledger_guard_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM inventory_levels v WHERE v.location_id = OLD.id) THEN
    RAISE foreign_key_violation USING CONSTRAINT = 'locations_hold_stock', DETAIL = OLD.code,
      HINT = ledger_lies_at(OLD.id), MESSAGE = format('location %s holds stock or has held some', OLD.code);
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER guard_stock BEFORE DELETE ON locations FOR EACH ROW EXECUTE FUNCTION ledger_guard_places();
