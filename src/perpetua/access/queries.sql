-- name: write_audit
-- One statement for a document's changes, whatever their number.
INSERT INTO audit_log (actor_id, via, kind, subject_id, action, before, after, costs, path, request_id)
SELECT %(actor_id)s, %(via)s, %(kind)s, subject_id, action, before, after, coalesce(costs, '{}'), path, %(request_id)s
FROM jsonb_to_recordset(%(changes)s::jsonb)
     AS change (subject_id text, action text, before jsonb, after jsonb, costs text[], path bigint[]);

-- name: actors_of_sessions
SELECT * FROM access_actors_of_sessions(%(hashes)s, %(ids)s, %(idle)s);

-- name: actors_of_tokens
SELECT * FROM access_actors_of_tokens(%(hashes)s, %(ids)s);

-- name: count_attempts
-- Counts one attempt on each key before anything is verified, so that attempts at once cannot slip through together.
-- The attempt that reaches the limit begins a whole new window; those beyond it are refused and prolong nothing.
INSERT INTO sign_in_attempts AS known (key, failures, until)
SELECT key, 1, now() + %(window)s::interval FROM unnest(%(keys)s::bytea[]) AS asked (key) ORDER BY key
ON CONFLICT (key) DO UPDATE SET
  failures = CASE WHEN known.until <= now() THEN 1 ELSE least(known.failures + 1, 1000000) END,
  until = CASE WHEN known.until <= now() OR known.failures + 1 = (
      SELECT least_limit FROM unnest(%(keys)s::bytea[], %(limits)s::int[]) AS of (key, least_limit)
      WHERE of.key = known.key)
    THEN now() + %(window)s::interval ELSE known.until END
RETURNING key, failures, ceil(extract(epoch FROM until - now()))::int AS seconds;

-- name: give_back_attempts
UPDATE sign_in_attempts SET failures = greatest(failures - 1, 0)
WHERE key IN (SELECT key FROM sign_in_attempts WHERE key = ANY(%(keys)s::bytea[]) ORDER BY key FOR UPDATE);

-- name: forget_attempts
DELETE FROM sign_in_attempts WHERE key = %(key)s;

-- name: signing_in
-- All that a sign-in is decided on; nothing of it is told before the password is right.
SELECT p.id, p.email, p.name, p.role, p.active, p.password_hash, p.password_once_until,
       coalesce(p.password_once_until < now(), false) AS once_is_over, f.secret AS factor, f.last_step
FROM people p LEFT JOIN second_factors f ON f.person_id = p.id AND f.confirmed_at IS NOT NULL
WHERE lower(p.email) = lower(%(email)s) AND p.id <> 0;

-- name: still_as_verified
-- Holds the person as they were when the password was verified: neither deactivated nor given another one meanwhile.
SELECT id FROM people WHERE id = %(id)s AND active AND password_hash = %(password_hash)s FOR UPDATE;

-- name: take_step
-- A time step's code is good once: a second one at the same time waits here, then finds it taken.
UPDATE second_factors SET last_step = %(step)s WHERE person_id = %(person_id)s AND last_step < %(step)s;

-- name: use_recovery_code
UPDATE recovery_codes SET used_at = now()
WHERE person_id = %(person_id)s AND code_hash = %(code_hash)s AND used_at IS NULL;

-- name: person
SELECT p.id, p.email, p.name, p.role, p.active, access_scope_of(p.id, p.everywhere) AS scope,
       EXISTS (SELECT FROM second_factors f WHERE f.person_id = p.id AND f.confirmed_at IS NOT NULL) AS second_factor,
       p.version, p.created_at, p.updated_at
FROM people p WHERE p.id = %(id)s AND p.id <> 0;

-- name: lock_person
SELECT id FROM people WHERE id = %(id)s AND id <> 0 FOR UPDATE;

-- name: lock_administrators
-- In the order of their ids, so that two who demote each other wait instead of both succeeding.
SELECT id FROM people WHERE role = 'administrator' AND active AND id <> 0 ORDER BY id FOR UPDATE;

-- name: set_scope
WITH gone AS (
  DELETE FROM person_scopes WHERE person_id = %(id)s AND location_id <> ALL(%(scope)s::bigint[])
)
INSERT INTO person_scopes (person_id, location_id)
SELECT %(id)s, location_id FROM unnest(%(scope)s::bigint[]) AS wanted (location_id)
ON CONFLICT DO NOTHING;

-- name: scope_beyond
-- The places of `wanted` that do not lie within `own`.
SELECT place FROM unnest(%(wanted)s::bigint[]) AS asked (place)
WHERE place <> ALL(access_scope_meet(%(own)s::bigint[], ARRAY[place]));

-- name: end_sessions
DELETE FROM sessions WHERE person_id = %(person_id)s AND id IS DISTINCT FROM %(but)s::bigint;

-- name: revoke_tokens
UPDATE api_tokens SET revoked_at = now() WHERE person_id = %(person_id)s AND revoked_at IS NULL;

-- name: forget_expired
-- Sessions that are over, and attempts that no longer count.
WITH gone AS (
  DELETE FROM sessions WHERE expires_at < now() OR last_seen_at < now() - %(idle)s::interval
)
DELETE FROM sign_in_attempts WHERE until < now();
