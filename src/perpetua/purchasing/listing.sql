-- name: versions
SELECT version, action, reason, person_id, at, document FROM po_versions
WHERE po_id = %(po_id)s AND version < coalesce(%(before)s::integer, 2147483647) ORDER BY version DESC LIMIT %(limit)s;

-- name: history
SELECT a.id, a.at, a.actor_id, p.name AS actor, a.via, a.action, a.before, a.after, a.costs
FROM audit_log a JOIN people p ON p.id = a.actor_id
WHERE a.kind = 'purchase_order' AND a.subject_id = %(po_id)s::bigint::text
  AND a.id < coalesce(%(before)s::bigint, 9223372036854775807)
ORDER BY a.id DESC LIMIT %(limit)s;
