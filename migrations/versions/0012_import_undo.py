"""Taking an import back as a job: who asked for it, how far it is, and why it could not be done."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE imports DROP CONSTRAINT imports_state_check;
ALTER TABLE imports
  ADD CONSTRAINT imports_state_check
    CHECK (state IN ('waiting', 'running', 'done', 'checked', 'failed', 'undoing', 'undone')),
  ADD COLUMN undo_sender  jsonb,
  ADD COLUMN undo_done    bigint NOT NULL DEFAULT 0,
  ADD COLUMN undo_total   bigint NOT NULL DEFAULT 0,
  ADD COLUMN undo_failure text;
COMMENT ON COLUMN imports.undo_sender IS 'the actor who asked to take it back, with the rights of that moment';
COMMENT ON COLUMN imports.undo_done IS 'things taken back so far, of undo_total; seen before they are committed';
COMMENT ON COLUMN imports.undo_failure IS 'why it could not be taken back';
"""


def upgrade() -> None:
    op.execute(TABLES)
