-- name: make_import
INSERT INTO imports (kind, actor_id, sender, source, sha256, once, files, options, columns, dry_run, rows_total)
VALUES (%(kind)s, %(actor_id)s, %(sender)s, %(source)s, %(sha256)s, %(once)s, %(files)s, %(options)s, %(columns)s,
        %(dry_run)s, %(rows_total)s)
ON CONFLICT (kind, sha256) WHERE once AND state <> 'undone' AND NOT (state = 'failed' AND rows_done = 0) DO NOTHING
RETURNING id;

-- name: same_content
SELECT id AS import_id, state, created_at AS at FROM imports
WHERE kind = %(kind)s AND sha256 = %(sha256)s AND once AND state <> 'undone'
ORDER BY id LIMIT 1;

-- name: lock_import
-- Whoever holds this row is the one that moves the import on.
SELECT state, rows_done, runs, prepared IS NOT NULL AS is_prepared, prepared FROM imports WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: start_run
-- The latest run takes over; an earlier one that still lives finds out at its next chunk.
UPDATE imports SET state = 'running', failure = NULL, started_at = coalesce(started_at, now()), finished_at = NULL,
  runs = runs + 1
WHERE id = %(id)s RETURNING runs;

-- name: keep_prepared
UPDATE imports SET prepared = %(prepared)s WHERE id = %(id)s;

-- name: restart_check
UPDATE imports SET rows_done = 0, rows_good = 0, rows_bad = 0, summary = '{}' WHERE id = %(id)s;

-- name: forget_errors
DELETE FROM import_errors WHERE import_id = %(id)s;

-- name: advance
UPDATE imports SET
  rows_done = rows_done + %(good)s + %(bad)s, rows_good = rows_good + %(good)s, rows_bad = rows_bad + %(bad)s,
  summary = %(summary)s
WHERE id = %(id)s;

-- name: summary
SELECT summary FROM imports WHERE id = %(id)s;

-- name: keep_errors
INSERT INTO import_errors (import_id, file, line, field, value, code, reason)
SELECT %(id)s, * FROM unnest(%(files)s::int[], %(lines)s::bigint[], %(fields)s::text[], %(values)s::text[],
                             %(codes)s::text[], %(reasons)s::text[]);

-- name: end_import
UPDATE imports SET state = %(state)s, finished_at = now(), summary = %(summary)s WHERE id = %(id)s;

-- name: fail_import
UPDATE imports SET state = 'failed', failure = %(failure)s, finished_at = now()
WHERE id = %(id)s AND runs = %(run)s AND state IN ('waiting', 'running');

-- name: fail_waiting
UPDATE imports SET state = 'failed', failure = %(failure)s, finished_at = now()
WHERE id = %(id)s AND state IN ('waiting', 'running');

-- name: drop_files
DELETE FROM import_files WHERE import_id = %(id)s;

-- name: keep_part
INSERT INTO import_files (import_id, file, part, data) VALUES (%(id)s, %(file)s, %(part)s, %(data)s);

-- name: remember
INSERT INTO import_changes (import_id, what, ids, before) VALUES (%(id)s, %(what)s, %(ids)s, %(before)s);

-- name: remembered
-- Latest first: what was done last is undone first.
SELECT what, ids, before FROM import_changes WHERE import_id = %(id)s ORDER BY id DESC;

-- name: begin_undo
-- As a run: the latest takes over. An import that is running stops at its next chunk, and can be resumed if the undo fails.
UPDATE imports SET state = 'undoing', runs = runs + 1, undo_sender = %(sender)s, undo_done = 0, undo_total = 0,
  undo_failure = NULL, failure = CASE WHEN state = 'running' THEN 'stopped, to be taken back' ELSE failure END
WHERE id = %(id)s RETURNING runs;

-- name: undo_told
UPDATE imports SET undo_done = %(done)s, undo_total = %(total)s WHERE id = %(id)s AND runs = %(run)s AND state = 'undoing';

-- name: fail_undo
UPDATE imports SET undo_failure = %(failure)s, undo_done = 0, undo_total = 0,
  state = CASE WHEN failure IS NULL THEN 'done' ELSE 'failed' END
WHERE id = %(id)s AND state = 'undoing' AND (%(run)s::int IS NULL OR runs = %(run)s);

-- name: mark_undone
UPDATE imports SET state = 'undone', undone_at = now(), undone_by = %(actor_id)s, summary = %(summary)s
WHERE id = %(id)s;

-- name: parts
SELECT file, data FROM import_files WHERE import_id = %(id)s ORDER BY file, part;
