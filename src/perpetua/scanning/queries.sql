-- name: record_scans
-- One row a scan; a scan that is there already under its sender's key stays as it is. In the order they came.
INSERT INTO scan_log (scanned_at, actor_id, device, symbology, payload, payload_text, action, location, asked,
                      idempotency_key, body_hash)
SELECT u.scanned_at, %(actor_id)s, u.device, u.symbology, u.payload, u.payload_text, u.action, u.location, u.asked::jsonb,
       u.idempotency_key, u.body_hash
FROM unnest(%(scanned_at)s::timestamptz[], %(device)s::text[], %(symbology)s::text[], %(payload)s::bytea[],
            %(payload_text)s::text[], %(action)s::text[], %(location)s::text[], %(asked)s::text[],
            %(idempotency_key)s::text[], %(body_hash)s::bytea[])
  WITH ORDINALITY AS u (scanned_at, device, symbology, payload, payload_text, action, location, asked, idempotency_key,
                        body_hash, n)
ORDER BY u.n
ON CONFLICT (actor_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id, idempotency_key, recorded_at, body_hash;

-- name: recorded_scans
-- Scans under these keys, with the answer where they were done.
SELECT s.id, s.idempotency_key, s.recorded_at, s.body_hash, r.outcome, r.answer
FROM scan_log s LEFT JOIN scan_results r ON r.scan_id = s.id AND r.outcome <> 'refused'
WHERE s.actor_id = %(actor_id)s AND s.idempotency_key = ANY (%(keys)s::text[]);

-- name: record_result
INSERT INTO scan_results (scan_id, outcome, variant_id, location_id, lot, serial, quantity, posting_id, refusal_code,
                          refusal, answer)
VALUES (%(scan_id)s, %(outcome)s, %(variant_id)s, %(location_id)s, %(lot)s, %(serial)s, %(quantity)s, %(posting_id)s,
        %(refusal_code)s, %(refusal)s::jsonb, %(answer)s::jsonb)
ON CONFLICT (scan_id) WHERE outcome <> 'refused' DO NOTHING;

-- name: list_scans
-- The latest first. A confined reader sees the own scans, and those understood to be at the own places.
SELECT s.id, s.recorded_at, s.scanned_at, s.actor_id, p.name AS actor, s.device, s.symbology, s.payload, s.payload_text,
       s.action, s.location, s.asked, r.outcome, r.variant_id, v.sku, r.location_id, r.lot, r.serial, r.quantity,
       r.posting_id, r.refusal_code, r.refusal
FROM scan_log s
JOIN people p ON p.id = s.actor_id
LEFT JOIN LATERAL (SELECT * FROM scan_results r WHERE r.scan_id = s.id ORDER BY r.id DESC LIMIT 1) r ON true
LEFT JOIN product_variants v ON v.id = r.variant_id
WHERE (%(after)s::bigint IS NULL OR s.id < %(after)s)
  AND (%(device)s::text IS NULL OR s.device = %(device)s)
  AND (%(actor_id)s::bigint IS NULL OR s.actor_id = %(actor_id)s)
  AND (%(action)s::text IS NULL OR s.action = %(action)s)
  AND (%(outcome)s::text IS NULL OR r.outcome = %(outcome)s)
  AND (%(code)s::text IS NULL OR s.payload_text = %(code)s)
  AND (%(variant_id)s::bigint IS NULL
    OR s.id IN (SELECT o.scan_id FROM scan_results o WHERE o.variant_id = %(variant_id)s))
  AND (%(since)s::timestamptz IS NULL OR s.recorded_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR s.recorded_at < %(until)s)
  AND (%(scope)s::bigint[] IS NULL OR s.actor_id = %(reader_id)s
    OR EXISTS (SELECT FROM locations l WHERE l.id = r.location_id AND l.path && %(scope)s::bigint[]))
ORDER BY s.id DESC
LIMIT %(limit)s;
