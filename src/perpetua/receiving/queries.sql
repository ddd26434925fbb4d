-- name: open
-- A receipt, its orders, and what was announced, or else what is open of its orders, in one statement.
WITH made AS (
  INSERT INTO receipts (site_id, location_id, supplier_id, reference, carrier, note, created_by)
  VALUES (%(site_id)s, %(location_id)s, %(supplier_id)s, %(reference)s, %(carrier)s, %(note)s, %(created_by)s)
  RETURNING id
), orders AS (
  INSERT INTO receipt_orders (receipt_id, po_id) SELECT m.id, o.id FROM made m, unnest(%(po_ids)s::bigint[]) AS o (id)
), announced AS (
  INSERT INTO receipt_expected (receipt_id, line_no, variant_id, quantity, plate, lot, expires_on)
  SELECT m.id, e.line_no, e.variant_id, e.quantity, e.plate, e.lot, e.expires_on
  FROM made m, unnest(%(variant_ids)s::bigint[], %(quantities)s::numeric[], %(plates)s::text[], %(lots)s::text[], %(expires)s::date[])
    WITH ORDINALITY AS e (variant_id, quantity, plate, lot, expires_on, line_no)
), ordered AS (
  INSERT INTO receipt_expected (receipt_id, line_no, po_line_id, variant_id, quantity)
  SELECT m.id, row_number() OVER (ORDER BY l.po_id, l.line_no), l.id, l.variant_id, l.on_order
  FROM made m, po_lines l WHERE l.po_id = ANY (%(po_ids)s::bigint[]) AND l.on_order > 0 AND %(variant_ids)s::bigint[] IS NULL
)
SELECT id FROM made;

-- name: orders_named
-- Purchase orders by number (or id), with what receiving must know of them.
SELECT o.id, upper(n.name) AS name, o.site_id, o.supplier_id, o.status
FROM unnest(%(names)s::text[], %(ids)s::bigint[]) AS n (name, id) JOIN purchase_orders o ON o.id = n.id;

-- name: lock
SELECT r.id FROM receipts r WHERE r.id = %(id)s FOR NO KEY UPDATE;

-- name: locked
-- A receipt under lock, for whoever takes goods in, closes it or undoes some of it. Not in the statement that locks: that
-- would count the lines as they were before it waited.
SELECT r.id, r.site_id, s.code AS site, r.location_id, d.code AS location, r.supplier_id, p.code AS supplier, r.status,
       r.created_at, r.version,
       coalesce((SELECT max(l.line_no) FROM receipt_lines l WHERE l.receipt_id = r.id), 0) AS last_no,
       ARRAY(SELECT o.po_id FROM receipt_orders o WHERE o.receipt_id = r.id ORDER BY 1) AS po_ids,
       ARRAY(SELECT DISTINCT e.variant_id FROM receipt_expected e WHERE e.receipt_id = r.id ORDER BY 1) AS announced
FROM receipts r JOIN locations s ON s.id = r.site_id JOIN locations d ON d.id = r.location_id
LEFT JOIN suppliers p ON p.id = r.supplier_id
WHERE r.id = %(id)s;

-- name: on_plate
-- What was announced on a pallet or box.
SELECT e.variant_id, e.quantity, e.lot, e.expires_on FROM receipt_expected e
WHERE e.receipt_id = %(receipt_id)s AND upper(e.plate) = upper(%(plate)s) ORDER BY e.line_no;

-- name: areas
-- Where a site puts what can't be sold: the first active place of each kind.
SELECT DISTINCT ON (l.kind) l.kind, l.code FROM locations l
WHERE l.site_id = %(site_id)s AND l.kind IN ('damaged', 'quarantine') AND l.active ORDER BY l.kind, l.code;

-- name: by_supplier_sku
-- Items by what a supplier calls them.
SELECT upper(i.supplier_sku) AS name, min(v.sku) AS sku, count(*)::integer AS many
FROM supplier_items i JOIN product_variants v ON v.id = i.variant_id
WHERE i.supplier_id = %(supplier_id)s AND upper(i.supplier_sku) = ANY (%(names)s::text[]) AND i.active GROUP BY 1;

-- name: known_lots
-- What labels say of lots, beside what is known of them.
SELECT n.at, n.lot_id, t.number AS lot, t.expires_on, t.manufactured_on, n.expires_on AS told_expires,
       n.manufactured_on AS told_made
FROM unnest(%(lot_ids)s::bigint[], %(ats)s::integer[], %(expires)s::date[], %(made)s::date[], %(supplier_lots)s::text[])
  AS n (lot_id, at, expires_on, manufactured_on, supplier_lot)
JOIN lots t ON t.id = n.lot_id
ORDER BY n.at;

-- name: describe_lots
-- What labels say of lots is kept where nothing was known; a day that is told now is part of the lots' histories.
WITH told AS (
  SELECT DISTINCT ON (x.lot_id) * FROM unnest(
    %(lot_ids)s::bigint[], %(ats)s::integer[], %(expires)s::date[], %(made)s::date[], %(supplier_lots)s::text[])
    AS x (lot_id, at, expires_on, manufactured_on, supplier_lot) ORDER BY x.lot_id, x.at
), written AS (
  UPDATE lots t SET
    expires_on = coalesce(t.expires_on, n.expires_on), manufactured_on = coalesce(t.manufactured_on, n.manufactured_on),
    supplier_lot = coalesce(t.supplier_lot, n.supplier_lot), supplier = coalesce(t.supplier, %(supplier)s),
    updated_at = statement_timestamp(), version = t.version + 1
  FROM told n WHERE t.id = n.lot_id AND (
    t.expires_on IS NULL AND n.expires_on IS NOT NULL OR t.manufactured_on IS NULL AND n.manufactured_on IS NOT NULL
    OR t.supplier_lot IS NULL AND n.supplier_lot IS NOT NULL OR t.supplier IS NULL AND %(supplier)s::text IS NOT NULL)
)
INSERT INTO lot_events (lot_id, actor_id, action, before, after, reason, reference)
SELECT n.lot_id, %(actor_id)s, 'changed', '{"expires_on": null}', jsonb_build_object('expires_on', n.expires_on),
       'its label says so', %(reference)s
FROM told n WHERE n.lot_id = ANY (%(dated)s::bigint[]);

-- name: write_lines
-- What came, and what was not as it should be with it.
WITH lines AS (
  INSERT INTO receipt_lines (receipt_id, line_no, po_line_id, variant_id, lot_id, location_id, condition, quantity, posting_id,
                             note, received_by, received_at)
  SELECT %(receipt_id)s, n.line_no, n.po_line_id, n.variant_id, n.lot_id, n.location_id, n.condition, n.quantity, %(posting_id)s,
         n.note, %(actor_id)s, %(received_at)s
  FROM unnest(
    %(line_nos)s::integer[], %(po_line_ids)s::bigint[], %(variant_ids)s::bigint[], %(lot_ids)s::bigint[],
    %(location_ids)s::bigint[], %(conditions)s::text[], %(quantities)s::numeric[], %(notes)s::text[])
    AS n (line_no, po_line_id, variant_id, lot_id, location_id, condition, quantity, note)
  RETURNING id, line_no, po_line_id, variant_id, note
), found AS (
  INSERT INTO receipt_discrepancies (receipt_id, line_id, po_line_id, variant_id, kind, quantity, expected, instead_of, note, noted_by)
  SELECT %(receipt_id)s, l.id, l.po_line_id, l.variant_id, f.kind, f.quantity, f.expected, f.instead_of, l.note, %(actor_id)s
  FROM unnest(
    %(found_nos)s::integer[], %(kinds)s::text[], %(found_quantities)s::numeric[], %(expecteds)s::numeric[], %(instead_ofs)s::bigint[])
    AS f (line_no, kind, quantity, expected, instead_of)
  JOIN lines l ON l.line_no = f.line_no
)
UPDATE receipts SET version = version + 1 WHERE id = %(receipt_id)s RETURNING version;

-- name: lines_to_undo
-- Lines of a receipt by number, with their rows in the ledger that were not corrected; what an archive took is gone.
SELECT l.id, l.line_no, l.po_line_id, p.po_id, l.quantity, c.path AS location_path, c.code AS location, l.received_by, l.undone_at,
       ARRAY(SELECT t.id FROM inventory_transactions t
             WHERE t.posting_id = l.posting_id AND t.line_no = l.line_no AND t.corrects_id IS NULL ORDER BY t.id) AS row_ids
FROM receipt_lines l JOIN locations c ON c.id = l.location_id LEFT JOIN po_lines p ON p.id = l.po_line_id
WHERE l.receipt_id = %(receipt_id)s AND l.line_no = ANY (%(line_nos)s::integer[]) ORDER BY l.line_no;

-- name: undo
WITH undone AS (
  UPDATE receipt_lines SET undone_by = %(actor_id)s, undone_at = %(at)s, undone_posting_id = %(posting_id)s, undo_reason = %(reason)s
  WHERE id = ANY (%(ids)s::bigint[])
), settled AS (
  UPDATE receipt_discrepancies SET status = 'UNDONE', settled_by = %(actor_id)s, settled_at = %(at)s, answer = %(reason)s,
                                   resolution = NULL, version = version + 1
  WHERE line_id = ANY (%(ids)s::bigint[]) AND status <> 'UNDONE'
)
UPDATE receipts SET version = version + 1 WHERE id = %(receipt_id)s;

-- name: close
-- All of it is in: what was expected, and did not come here nor is it waited for any more, is not short.
WITH came AS (
  SELECT l.po_line_id, l.variant_id, sum(l.quantity) AS quantity FROM receipt_lines l
  WHERE l.receipt_id = %(id)s AND l.undone_at IS NULL GROUP BY 1, 2
), due AS (
  SELECT e.po_line_id, e.variant_id, sum(e.quantity) AS expected FROM receipt_expected e WHERE e.receipt_id = %(id)s GROUP BY 1, 2
), short AS (
  SELECT d.po_line_id, d.variant_id, d.expected,
         least(greatest(d.expected - coalesce(c.quantity, 0), 0), coalesce(p.on_order, d.expected)) AS quantity
  FROM due d
  LEFT JOIN LATERAL (
    SELECT sum(c.quantity) AS quantity FROM came c
    WHERE c.variant_id = d.variant_id AND (d.po_line_id IS NULL OR c.po_line_id = d.po_line_id)) c ON true
  LEFT JOIN po_lines p ON p.id = d.po_line_id
), found AS (
  INSERT INTO receipt_discrepancies (receipt_id, po_line_id, variant_id, kind, quantity, expected, note, noted_by)
  SELECT %(id)s, s.po_line_id, s.variant_id, 'short', s.quantity, s.expected, %(note)s, %(actor_id)s FROM short s WHERE s.quantity > 0
)
UPDATE receipts SET status = 'CLOSED', closed_by = %(actor_id)s, closed_at = %(at)s, version = version + 1
WHERE id = %(id)s RETURNING version;

-- name: note
WITH noted AS (
  INSERT INTO receipt_discrepancies (receipt_id, variant_id, kind, quantity, instead_of, code, note, noted_by)
  VALUES (%(receipt_id)s, %(variant_id)s, %(kind)s, %(quantity)s, %(instead_of)s, %(code)s, %(note)s, %(actor_id)s) RETURNING id
), touched AS (
  UPDATE receipts SET version = version + 1 WHERE id = %(receipt_id)s
)
SELECT id FROM noted;

-- name: lock_discrepancy
SELECT d.id, d.receipt_id, d.status, d.version, r.site_id FROM receipt_discrepancies d JOIN receipts r ON r.id = d.receipt_id
WHERE d.id = %(id)s AND site_in_scope(r.site_id, %(scope)s::bigint[]) FOR NO KEY UPDATE OF d;

-- name: resolve
UPDATE receipt_discrepancies SET status = 'RESOLVED', resolution = %(resolution)s, answer = %(answer)s, settled_by = %(actor_id)s,
                                 settled_at = %(at)s, version = version + 1
WHERE id = %(id)s;

-- name: add_photo
INSERT INTO receipt_photos (discrepancy_id, sha256, media_type, size_bytes, added_by)
VALUES (%(discrepancy_id)s, %(sha256)s, %(media_type)s, %(size_bytes)s, %(actor_id)s) ON CONFLICT DO NOTHING;

-- name: photos
SELECT id, sha256, media_type, size_bytes FROM receipt_photos WHERE discrepancy_id = %(id)s ORDER BY id;

-- name: photo_type
SELECT p.media_type FROM receipt_photos p JOIN receipt_discrepancies d ON d.id = p.discrepancy_id
JOIN receipts r ON r.id = d.receipt_id
WHERE p.sha256 = %(sha256)s AND site_in_scope(r.site_id, %(scope)s::bigint[]) LIMIT 1;

-- name: holds_photo
SELECT EXISTS (SELECT FROM receipt_photos WHERE sha256 = %(sha256)s);

-- name: first_dock
SELECT l.id FROM locations l WHERE l.site_id = %(site_id)s AND l.kind = 'dock' AND l.active ORDER BY l.code LIMIT 1;
