"""What no trade knows: the application role, extensions, idempotent commands."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'perpetua_app') THEN
    CREATE ROLE perpetua_app NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server made it meanwhile
END $$;
"""

TABLES = """
GRANT USAGE ON SCHEMA public TO perpetua_app;
GRANT SELECT ON alembic_version TO perpetua_app;  -- the web process says whether the schema is the one it needs

CREATE TABLE idempotent_commands (
  sender     bigint NOT NULL,
  key        text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  command    text NOT NULL,
  body_hash  bytea NOT NULL,
  answer     jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sender, key)
) WITH (fillfactor = 80);
COMMENT ON COLUMN idempotent_commands.sender IS 'person id; 0 is the system itself';
GRANT SELECT, INSERT, UPDATE ON idempotent_commands TO perpetua_app;
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    op.execute(ROLE)
    op.execute("GRANT perpetua_app TO CURRENT_USER")
    op.execute(TABLES)
