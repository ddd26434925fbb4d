"""Bulk imports: their state, their bad rows, their files while they wait, and what undo needs."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE imports (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind        text NOT NULL,
  actor_id    bigint NOT NULL,
  sender      jsonb NOT NULL,
  source      text NOT NULL,
  sha256      text NOT NULL,
  once        boolean NOT NULL,
  files       jsonb NOT NULL,
  options     jsonb NOT NULL,
  columns     jsonb NOT NULL,
  state       text NOT NULL DEFAULT 'waiting'
              CHECK (state IN ('waiting', 'running', 'done', 'checked', 'failed', 'undone')),
  dry_run     boolean NOT NULL,
  rows_total  bigint NOT NULL,
  rows_done   bigint NOT NULL DEFAULT 0,
  rows_good   bigint NOT NULL DEFAULT 0,
  rows_bad    bigint NOT NULL DEFAULT 0,
  runs        int NOT NULL DEFAULT 0,
  prepared    jsonb,
  summary     jsonb NOT NULL DEFAULT '{}',
  failure     text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  started_at  timestamptz,
  finished_at timestamptz,
  undone_at   timestamptz,
  undone_by   bigint,
  CHECK (rows_done = rows_good + rows_bad AND rows_done <= rows_total)
);
COMMENT ON COLUMN imports.sender IS 'the actor with its rights when it began: a job may do no more than that';
COMMENT ON COLUMN imports.once IS 'the same content may not go in a second time';
COMMENT ON COLUMN imports.runs IS 'how often it was begun or resumed; only the latest run may move it on';
COMMENT ON COLUMN imports.prepared IS 'what the kind found out in its first pass; NULL until that pass is committed';
CREATE UNIQUE INDEX imports_once ON imports (kind, sha256)
  WHERE once AND state <> 'undone' AND NOT (state = 'failed' AND rows_done = 0);

CREATE TABLE import_errors (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  import_id bigint NOT NULL REFERENCES imports,
  file      int NOT NULL,
  line      bigint NOT NULL,
  field     text,
  value     text,
  code      text NOT NULL,
  reason    text NOT NULL
);
CREATE INDEX import_errors_of ON import_errors (import_id, id);

CREATE TABLE import_changes (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  import_id bigint NOT NULL REFERENCES imports,
  what      text NOT NULL,
  ids       bigint[] NOT NULL,
  before    jsonb
);
COMMENT ON COLUMN import_changes.before IS 'NULL: the import made these ids; else the rows as they were, one an id';
CREATE INDEX import_changes_of ON import_changes (import_id, id);

CREATE TABLE import_files (
  import_id bigint NOT NULL REFERENCES imports,
  file      int NOT NULL,
  part      int NOT NULL,
  data      bytea NOT NULL,
  PRIMARY KEY (import_id, file, part)
);
COMMENT ON TABLE import_files IS 'uploads, until the import is done: a worker on any machine finds them here';

GRANT SELECT, INSERT, UPDATE ON imports TO perpetua_app;
GRANT SELECT, INSERT, DELETE ON import_errors, import_changes, import_files TO perpetua_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
