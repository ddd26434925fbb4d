"""Label templates: those that people made, and what they changed of those that came with the program."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE label_templates (
  code       text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9_.-]{0,63}$'),
  version    integer NOT NULL DEFAULT 1,
  name       text CHECK (length(name) BETWEEN 1 AND 120),
  kind       text CHECK (kind IN ('item', 'lot', 'place', 'plate', 'receipt', 'custom')),
  size       jsonb,
  body       jsonb,
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by bigint NOT NULL REFERENCES people,
  CONSTRAINT label_templates_whole CHECK (num_nulls(name, kind, size, body) IN (0, 4))
);
COMMENT ON COLUMN label_templates.code IS 'in small letters';
COMMENT ON COLUMN label_templates.name IS 'null with kind, size and body: as the program ships it';
COMMENT ON COLUMN label_templates.body IS 'its elements';
GRANT SELECT, INSERT, UPDATE, DELETE ON label_templates TO perpetua_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
