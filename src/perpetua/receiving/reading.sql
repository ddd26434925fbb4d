-- part: receipt_rows
SELECT r.id, s.code AS site, d.code AS location, p.code AS supplier, p.name AS supplier_name, r.status, r.reference, r.carrier,
       r.created_at, r.closed_at, r.version,
       (SELECT coalesce(array_agg(o.po_id ORDER BY o.po_id), '{}') FROM receipt_orders o WHERE o.receipt_id = r.id) AS po_ids,
       (SELECT count(*)::integer FROM receipt_lines l WHERE l.receipt_id = r.id AND l.undone_at IS NULL) AS lines,
       (SELECT count(*)::integer FROM receipt_expected e WHERE e.receipt_id = r.id) AS expected_lines,
       (SELECT count(*)::integer FROM receipt_discrepancies x WHERE x.receipt_id = r.id AND x.status <> 'UNDONE') AS discrepancies,
       r.note, a.name AS created_by, b.name AS closed_by
FROM receipts r JOIN locations s ON s.id = r.site_id JOIN locations d ON d.id = r.location_id
LEFT JOIN suppliers p ON p.id = r.supplier_id
JOIN people a ON a.id = r.created_by LEFT JOIN people b ON b.id = r.closed_by
WHERE site_in_scope(r.site_id, %(scope)s::bigint[])

-- name: receipts
-- with: receipt_rows
  AND (%(after)s::bigint IS NULL OR r.id < %(after)s)
  AND (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(supplier_id)s::bigint IS NULL OR r.supplier_id = %(supplier_id)s)
  AND (%(site_id)s::bigint IS NULL OR r.site_id = %(site_id)s)
  AND (%(reference)s::text IS NULL OR r.reference = %(reference)s)
  AND (%(po_id)s::bigint IS NULL OR EXISTS (SELECT FROM receipt_orders o WHERE o.receipt_id = r.id AND o.po_id = %(po_id)s))
  AND (%(variant_id)s::bigint IS NULL OR EXISTS (
        SELECT FROM receipt_lines l WHERE l.receipt_id = r.id AND l.variant_id = %(variant_id)s))
ORDER BY r.id DESC LIMIT %(limit)s;

-- name: receipt
-- with: receipt_rows
  AND r.id = %(id)s;

-- name: expected
SELECT e.line_no, p.po_id, p.line_no AS order_line, e.variant_id, i.sku, i.name, i.unit, i.tracking, p.supplier_sku,
       e.quantity AS expected, coalesce(c.quantity, 0) AS received, p.on_order AS open, e.plate, e.lot
FROM receipt_expected e JOIN product_variants i ON i.id = e.variant_id LEFT JOIN po_lines p ON p.id = e.po_line_id
LEFT JOIN LATERAL (
  SELECT sum(l.quantity) AS quantity FROM receipt_lines l
  WHERE l.receipt_id = e.receipt_id AND l.undone_at IS NULL AND l.variant_id = e.variant_id
    AND (e.po_line_id IS NULL OR l.po_line_id = e.po_line_id)) c ON true
WHERE e.receipt_id = %(id)s ORDER BY e.line_no;

-- name: came
-- What came, the newest first.
SELECT l.line_no, p.po_id, p.line_no AS order_line, l.variant_id, i.sku, i.name, i.unit,
       CASE WHEN l.lot_id <> 0 THEN t.number END AS lot, t.expires_on, c.code AS location, l.condition, l.quantity, l.posting_id,
       l.note, a.name AS received_by, l.received_at, u.name AS undone_by, l.undone_at, l.undo_reason,
       CASE WHEN i.tracking = 'serial' THEN ARRAY(
         SELECT s.serial FROM inventory_transactions x JOIN serialised_stock s ON s.id = x.serial_id
         WHERE x.posting_id = l.posting_id AND x.line_no = l.line_no AND x.corrects_id IS NULL ORDER BY s.serial)
       ELSE '{}' END AS serials
FROM receipt_lines l JOIN product_variants i ON i.id = l.variant_id JOIN lots t ON t.id = l.lot_id
JOIN locations c ON c.id = l.location_id JOIN people a ON a.id = l.received_by LEFT JOIN people u ON u.id = l.undone_by
LEFT JOIN po_lines p ON p.id = l.po_line_id
WHERE l.receipt_id = %(id)s AND (%(after)s::integer IS NULL OR l.line_no < %(after)s) ORDER BY l.line_no DESC LIMIT %(limit)s;

-- name: discrepancies
SELECT d.id, d.receipt_id, l.line_no, p.po_id, p.line_no AS order_line, s.code AS supplier, w.code AS site, d.kind, i.sku, i.name,
       d.quantity, d.expected, j.sku AS instead_of, d.code, d.note, d.status, d.resolution, d.answer, a.name AS noted_by,
       d.noted_at, b.name AS settled_by, d.settled_at, d.version,
       (SELECT coalesce(json_agg(json_build_object('id', f.id, 'sha256', f.sha256, 'media_type', f.media_type,
                                                   'size_bytes', f.size_bytes) ORDER BY f.id), '[]')
        FROM receipt_photos f WHERE f.discrepancy_id = d.id) AS photos
FROM receipt_discrepancies d JOIN receipts r ON r.id = d.receipt_id JOIN locations w ON w.id = r.site_id
LEFT JOIN receipt_lines l ON l.id = d.line_id LEFT JOIN po_lines p ON p.id = d.po_line_id
LEFT JOIN suppliers s ON s.id = r.supplier_id LEFT JOIN product_variants i ON i.id = d.variant_id
LEFT JOIN product_variants j ON j.id = d.instead_of
JOIN people a ON a.id = d.noted_by LEFT JOIN people b ON b.id = d.settled_by
WHERE site_in_scope(r.site_id, %(scope)s::bigint[])
  AND (%(id)s::bigint IS NULL OR d.id = %(id)s)
  AND (%(after)s::bigint IS NULL OR d.id < %(after)s)
  AND (%(receipt_id)s::bigint IS NULL OR d.receipt_id = %(receipt_id)s)
  AND (%(supplier_id)s::bigint IS NULL OR r.supplier_id = %(supplier_id)s)
  AND (%(variant_id)s::bigint IS NULL OR d.variant_id = %(variant_id)s)
  AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
  AND (%(status)s::text IS NULL OR d.status = %(status)s)
ORDER BY d.id DESC LIMIT %(limit)s;
