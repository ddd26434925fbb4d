-- name: write_audit
-- One statement for a document's changes, whatever their number.
INSERT INTO audit_log (actor_id, via, kind, subject_id, action, before, after, costs, path, request_id)
SELECT %(actor_id)s, %(via)s, %(kind)s, subject_id, action, before, after, coalesce(costs, '{}'), path, %(request_id)s
FROM jsonb_to_recordset(%(changes)s::jsonb)
     AS change (subject_id text, action text, before jsonb, after jsonb, costs text[], path bigint[]);
