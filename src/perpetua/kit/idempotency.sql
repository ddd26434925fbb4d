-- name: claim_key
-- Waits where another transaction holds the key; touches 0 rows where the key is known.
INSERT INTO idempotent_commands (sender, key, command, body_hash)
VALUES (%(sender)s, %(key)s, %(command)s, %(body_hash)s)
ON CONFLICT (sender, key) DO NOTHING;

-- name: known_key
SELECT command, body_hash, answer, created_at FROM idempotent_commands WHERE sender = %(sender)s AND key = %(key)s;

-- name: keep_answer
UPDATE idempotent_commands SET answer = %(answer)s::jsonb WHERE sender = %(sender)s AND key = %(key)s;

-- name: known_keys
SELECT c.sender, c.key, c.command, c.body_hash, c.answer, c.created_at
FROM unnest(%(senders)s::bigint[], %(keys)s::text[]) AS k (sender, key) JOIN idempotent_commands c USING (sender, key);

-- name: keep_answers
INSERT INTO idempotent_commands (sender, key, command, body_hash, answer)
SELECT n.sender, n.key, n.command, decode(n.hash, 'hex'), n.answer::jsonb
FROM unnest(%(senders)s::bigint[], %(keys)s::text[], %(commands)s::text[], %(hashes)s::text[], %(answers)s::text[])
     AS n (sender, key, command, hash, answer)
ORDER BY n.sender, n.key;
