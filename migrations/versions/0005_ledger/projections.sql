-- Locks the positions (variant, site) that rows at these places will touch, in one order for all writers, so that the
-- check and the append share one lock and no two writers can wait for each other. Gives back which of the places are not
-- active: read under the lock, they stay so until the transaction ends.
--
-- also_variants, also_sites: further positions, where nothing is posted. Where there is none it is not made, but kept from
-- being made meanwhile.
CREATE FUNCTION ledger_lock(
  variant_ids bigint[], location_ids bigint[], also_variants bigint[] DEFAULT NULL, also_sites bigint[] DEFAULT NULL
) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE variants bigint[]; sites bigint[];
BEGIN
  -- Places keep their site and flags while stock is posted; whoever moves a subtree takes this lock alone.
  PERFORM pg_advisory_xact_lock_shared(7001);
  SELECT array_agg(w.variant_id), array_agg(w.site_id) INTO variants, sites
  FROM (SELECT DISTINCT u.variant_id, l.site_id
        FROM unnest(variant_ids, location_ids) AS u (variant_id, location_id)
        JOIN locations l ON l.id = u.location_id
        ORDER BY 1, 2) w;

  -- What is missing is made before anything is locked: made later, it would be held out of the one order of all.
  IF EXISTS (SELECT FROM unnest(variants, sites) AS w (variant_id, site_id) WHERE NOT EXISTS (
      SELECT FROM inventory_positions p WHERE p.variant_id = w.variant_id AND p.site_id = w.site_id)) THEN
    -- Whoever found no position to lock, and decided that nothing is there, holds these shared until it has committed.
    PERFORM pg_advisory_xact_lock(7003, k.key)
    FROM (SELECT DISTINCT (w.variant_id % 64)::integer AS key FROM unnest(variants, sites) AS w (variant_id, site_id)
          WHERE NOT EXISTS (SELECT FROM inventory_positions p WHERE p.variant_id = w.variant_id AND p.site_id = w.site_id)
          ORDER BY 1) k;
    INSERT INTO inventory_positions (variant_id, site_id)
    SELECT w.variant_id, w.site_id FROM unnest(variants, sites) AS w (variant_id, site_id)
    WHERE NOT EXISTS (SELECT FROM inventory_positions p WHERE p.variant_id = w.variant_id AND p.site_id = w.site_id)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
  END IF;
  IF also_variants IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock_shared(7003, k.key)
    FROM (SELECT DISTINCT (u.variant_id % 64)::integer AS key
          FROM unnest(also_variants, also_sites) AS u (variant_id, site_id)
          WHERE NOT EXISTS (SELECT FROM inventory_positions p WHERE p.variant_id = u.variant_id AND p.site_id = u.site_id)
          ORDER BY 1) k;
  END IF;
  PERFORM 1
  FROM unnest(variants || also_variants, sites || also_sites) AS w (variant_id, site_id)
  JOIN inventory_positions p ON p.variant_id = w.variant_id AND p.site_id = w.site_id
  ORDER BY p.variant_id, p.site_id
  FOR NO KEY UPDATE OF p;
  RETURN (SELECT array_agg(l.id) FROM locations l WHERE l.id = ANY (location_ids) AND NOT l.active);
END $$;

-- Keeps levels and positions, whoever writes the ledger, in the same statement. Nested loops are forced: the cached plan
-- must stay right whether one row or ten thousand come.
CREATE FUNCTION ledger_project() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE missing bigint;
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT posting_id FROM new_rows) n
             WHERE NOT EXISTS (SELECT FROM postings p WHERE p.id = n.posting_id)) THEN
    RAISE foreign_key_violation USING CONSTRAINT = 'transaction_posting', MESSAGE = 'a ledger row needs its posting';
  END IF;

  -- Most levels exist: change those; only where some were missing look for them and make them.
  WITH delta AS MATERIALIZED (
    SELECT n.variant_id, n.location_id, n.lot_id, sum(n.quantity) AS quantity, max(n.recorded_at) AS recorded_at
    FROM new_rows n GROUP BY 1, 2, 3
  ), changed AS (
    UPDATE inventory_levels v
    SET on_hand = v.on_hand + d.quantity, version = v.version + 1, updated_at = d.recorded_at
    FROM delta d
    WHERE v.variant_id = d.variant_id AND v.location_id = d.location_id AND v.lot_id = d.lot_id
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM delta) - (SELECT count(*) FROM changed) INTO missing;
  IF missing > 0 THEN
    INSERT INTO inventory_levels (variant_id, location_id, lot_id, on_hand, negative_allowed, updated_at)
    SELECT d.variant_id, d.location_id, d.lot_id, d.quantity, coalesce(l.negative_allowed, false), d.recorded_at
    FROM (SELECT n.variant_id, n.location_id, n.lot_id, sum(n.quantity) AS quantity, max(n.recorded_at) AS recorded_at
          FROM new_rows n GROUP BY 1, 2, 3) d
    LEFT JOIN locations l ON l.id = d.location_id
    WHERE NOT EXISTS (SELECT FROM inventory_levels v
                      WHERE v.variant_id = d.variant_id AND v.location_id = d.location_id AND v.lot_id = d.lot_id);
    -- ledger_lock has made the positions; a bulk load by the owner may come without it. Where a level was, its position is.
    INSERT INTO inventory_positions (variant_id, site_id)
    SELECT DISTINCT n.variant_id, l.site_id FROM new_rows n JOIN locations l ON l.id = n.location_id
    WHERE NOT EXISTS (SELECT FROM inventory_positions p WHERE p.variant_id = n.variant_id AND p.site_id = l.site_id);
  END IF;

  UPDATE inventory_positions p
  SET on_hand = p.on_hand + d.on_hand, unsellable = p.unsellable + d.unsellable,
      in_transit = p.in_transit + d.in_transit, version = p.version + 1
  FROM (SELECT n.variant_id, l.site_id,
               sum(CASE WHEN l.kind = 'transit' THEN 0 ELSE n.quantity END) AS on_hand,
               sum(CASE WHEN l.kind = 'transit' OR l.sellable THEN 0 ELSE n.quantity END) AS unsellable,
               sum(CASE WHEN l.kind = 'transit' THEN n.quantity ELSE 0 END) AS in_transit
        FROM new_rows n JOIN locations l ON l.id = n.location_id GROUP BY 1, 2) d
  WHERE p.variant_id = d.variant_id AND p.site_id = d.site_id;

  IF EXISTS (SELECT FROM new_rows WHERE serial_id IS NOT NULL) THEN
    PERFORM ledger_project_serials(array_agg(n.id), array_agg(n.serial_id), array_agg(n.variant_id),
      array_agg(n.location_id), array_agg(n.lot_id), array_agg(n.quantity), array_agg(n.type))
    FROM new_rows n WHERE n.serial_id IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;

-- A serial is moved by its rows: where it was (one) plus what its rows add must be 0 or 1 at every place, and at most 1 in
-- all; then it is where the 1 is. Judged at the end of the statement, so that a transfer's two rows come in any order.
CREATE FUNCTION ledger_project_serials(
  ids bigint[], serial_ids bigint[], variant_ids bigint[], location_ids bigint[], lot_ids bigint[], quantities numeric[],
  types transaction_type[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE wrong record;
BEGIN
  PERFORM 1 FROM serialised_stock s WHERE s.id = ANY (serial_ids) ORDER BY s.id FOR UPDATE;

  WITH r AS (
    SELECT * FROM unnest(ids, serial_ids, variant_ids, location_ids, lot_ids, quantities, types)
      AS u (id, serial_id, variant_id, location_id, lot_id, quantity, type)
  ), held AS (
    SELECT x.serial_id, x.location_id, sum(x.quantity) AS quantity
    FROM (SELECT r.serial_id, r.location_id, r.quantity FROM r
          UNION ALL
          SELECT s.id, s.location_id, 1 FROM serialised_stock s
          WHERE s.id = ANY (serial_ids) AND s.location_id IS NOT NULL) x
    GROUP BY 1, 2
  ), after AS (
    SELECT h.serial_id, min(h.quantity) AS least, sum(h.quantity) AS total,
           max(h.location_id) FILTER (WHERE h.quantity = 1) AS location_id
    FROM held h GROUP BY 1
  ), last AS (
    SELECT DISTINCT ON (r.serial_id) r.serial_id, r.type, r.lot_id, r.variant_id FROM r ORDER BY r.serial_id, r.id DESC
  ), moved AS (
    UPDATE serialised_stock s
    SET location_id = a.location_id, lot_id = t.lot_id, updated_at = statement_timestamp(),
        status = CASE WHEN l.kind = 'transit' THEN 'in_transit' WHEN l.id IS NOT NULL THEN 'in_stock'
                      WHEN t.type = 'SALE' THEN 'sold' WHEN t.type = 'WRITE_OFF' THEN 'written_off'
                      WHEN t.type = 'RETURN' THEN 'returned' ELSE 'removed' END
    FROM after a JOIN last t USING (serial_id) LEFT JOIN locations l ON l.id = a.location_id
    WHERE s.id = a.serial_id
  )
  SELECT a.serial_id, coalesce(s.serial, '?') AS serial INTO wrong
  FROM after a JOIN last t USING (serial_id) LEFT JOIN serialised_stock s ON s.id = a.serial_id
  WHERE s.id IS NULL OR s.variant_id <> t.variant_id OR a.least < 0 OR a.total NOT IN (0, 1)
  LIMIT 1;
  IF FOUND THEN
    RAISE unique_violation USING CONSTRAINT = 'serial_in_one_place', DETAIL = wrong.serial_id::text,
      MESSAGE = format('serial %s would not be in one place', wrong.serial);
  END IF;
END $$;

CREATE TRIGGER project AFTER INSERT ON inventory_transactions
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger_project();

-- What a place is (its site, sellable or not, in transit or not, negative or not) decides how its stock counts: when that
-- changes, the positions of what lies there are computed anew.
-- By EXECUTE, so that each run is planned for its own number of places; by min() and count(), as for LIMIT 1 and EXISTS the
-- planner hopes to find one at once, and joins row by row.
CREATE FUNCTION ledger_reproject_places() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE changed boolean; held bigint; promised text;
BEGIN
  EXECUTE 'SELECT count(*) > 0 FROM old_places o JOIN new_places n USING (id)
           WHERE (o.site_id, o.kind, o.sellable, o.negative_allowed, o.active)
              IS DISTINCT FROM (n.site_id, n.kind, n.sellable, n.negative_allowed, n.active)' INTO changed;
  IF NOT changed THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(7001);

  EXECUTE 'SELECT min(n.id) FROM old_places o JOIN new_places n USING (id) JOIN inventory_levels v ON v.location_id = n.id
           WHERE o.active AND NOT n.active AND v.on_hand <> 0' INTO held;
  IF held IS NOT NULL THEN
    RAISE foreign_key_violation USING CONSTRAINT = 'locations_hold_stock', HINT = ledger_lies_at(held),
      DETAIL = (SELECT l.code FROM locations l WHERE l.id = held), MESSAGE = 'a location holds stock';
  END IF;

  EXECUTE 'UPDATE inventory_levels v SET negative_allowed = n.negative_allowed
           FROM new_places n WHERE v.location_id = n.id AND v.negative_allowed <> n.negative_allowed';

  -- What is promised must still be there to be sold; where it is not, the change is refused with the first such item.
  BEGIN
    EXECUTE $sql$
    WITH places AS (
      SELECT n.id, o.site_id AS old_site, n.site_id AS new_site FROM old_places o JOIN new_places n USING (id)
      WHERE (o.site_id, o.kind, o.sellable) IS DISTINCT FROM (n.site_id, n.kind, n.sellable)
    ), touched AS (
      SELECT v.variant_id, s.site_id FROM places p JOIN inventory_levels v ON v.location_id = p.id
      CROSS JOIN LATERAL (VALUES (p.old_site), (p.new_site)) s (site_id)
      GROUP BY 1, 2
    ), sums AS (
      SELECT t.variant_id, t.site_id,
             coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
             coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit' AND NOT l.sellable), 0) AS unsellable,
             coalesce(sum(v.on_hand) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
      FROM touched t
      LEFT JOIN (inventory_levels v JOIN locations l ON l.id = v.location_id)
        ON v.variant_id = t.variant_id AND l.site_id = t.site_id
      GROUP BY 1, 2
    )
    INSERT INTO inventory_positions AS p (variant_id, site_id, on_hand, unsellable, in_transit, version)
    SELECT s.variant_id, s.site_id, s.on_hand, s.unsellable, s.in_transit, 1 FROM sums s ORDER BY 1, 2
    ON CONFLICT (variant_id, site_id) DO UPDATE
    SET on_hand = excluded.on_hand, unsellable = excluded.unsellable, in_transit = excluded.in_transit,
        version = p.version + 1
    $sql$;
  EXCEPTION WHEN check_violation THEN
    EXECUTE $sql$
      SELECT jsonb_build_object('sku', i.sku, 'site', l.code, 'promised', trim_scale(p.allocated + p.reserved)::text,
                                'left', trim_scale(coalesce(s.left, 0))::text)::text
      FROM inventory_positions p
      JOIN product_variants i ON i.id = p.variant_id JOIN locations l ON l.id = p.site_id
      LEFT JOIN LATERAL (
        SELECT sum(v.on_hand) AS left FROM inventory_levels v JOIN locations x ON x.id = v.location_id
        WHERE v.variant_id = p.variant_id AND x.site_id = p.site_id AND x.kind <> 'transit' AND x.sellable
      ) s ON true
      WHERE p.site_id IN (SELECT o.site_id FROM old_places o) AND p.allocated + p.reserved > greatest(coalesce(s.left, 0), 0)
      ORDER BY i.sku LIMIT 1
    $sql$ INTO promised;
    RAISE check_violation USING CONSTRAINT = 'position_not_oversold', DETAIL = coalesce(promised, '{}'),
      MESSAGE = 'stock in a location is promised';
  END;
  RETURN NULL;
END $$;
CREATE TRIGGER reproject AFTER UPDATE ON locations
  REFERENCING OLD TABLE AS old_places NEW TABLE AS new_places
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_reproject_places();
