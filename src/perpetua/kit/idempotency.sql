-- name: claim_key
-- Waits where another transaction holds the key; touches 0 rows where the key is known.
INSERT INTO idempotent_commands (sender, key, command, body_hash)
VALUES (%(sender)s, %(key)s, %(command)s, %(body_hash)s)
ON CONFLICT (sender, key) DO NOTHING;

-- name: known_key
SELECT command, body_hash, answer, created_at FROM idempotent_commands WHERE sender = %(sender)s AND key = %(key)s;

-- name: keep_answer
UPDATE idempotent_commands SET answer = %(answer)s::jsonb WHERE sender = %(sender)s AND key = %(key)s;
