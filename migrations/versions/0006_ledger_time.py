"""Time in the ledger: the safe horizon, month-end checkpoints, and the opening balance that archived months leave."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HORIZON = """
-- Rows up to `through_id` are final: every transaction that could still write one of them has ended.
CREATE TABLE ledger_horizon (
  one         boolean PRIMARY KEY DEFAULT true CHECK (one),
  through_id  bigint NOT NULL DEFAULT 0,
  pending_id  bigint NOT NULL DEFAULT 0,
  pending_xid xid8,
  advanced_at timestamptz
);
INSERT INTO ledger_horizon DEFAULT VALUES;

-- Reads the last id given out, then the next transaction id; once all older transactions have ended, that id is final.
-- Writers neither wait nor pay. Ids are drawn after the posting was written, hence after the writer got its own xid.
CREATE FUNCTION ledger_advance_horizon() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE h ledger_horizon; given bigint;
BEGIN
  SELECT * INTO h FROM ledger_horizon FOR UPDATE;
  IF h.pending_xid IS NOT NULL AND pg_snapshot_xmin(pg_current_snapshot()) >= h.pending_xid THEN
    h.through_id := greatest(h.through_id, h.pending_id);
    h.pending_xid := NULL;
  END IF;
  IF h.pending_xid IS NULL THEN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO given FROM inventory_transactions_id_seq;
    h.pending_id := given;
    h.pending_xid := pg_snapshot_xmax(pg_current_snapshot());
    IF pg_snapshot_xmin(pg_current_snapshot()) >= h.pending_xid THEN
      h.through_id := greatest(h.through_id, given);
      h.pending_xid := NULL;
    END IF;
  END IF;
  UPDATE ledger_horizon SET through_id = h.through_id, pending_id = h.pending_id, pending_xid = h.pending_xid,
    advanced_at = clock_timestamp();
  RETURN h.through_id;
END $$;
"""

CHECKPOINTS = """
CREATE TABLE stock_checkpoints (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  as_of      timestamptz NOT NULL,
  through_id bigint NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  levels     bigint NOT NULL DEFAULT 0,
  ready      boolean NOT NULL DEFAULT false,
  -- What comes late for a checkpoint is found by the index on rows recorded more than three days after they happened.
  CONSTRAINT checkpoint_settled CHECK (made_at > as_of + interval '4 days')
);
CREATE UNIQUE INDEX stock_checkpoints_moment ON stock_checkpoints (as_of, through_id);
COMMENT ON COLUMN stock_checkpoints.through_id IS 'the ledger rows it knows: up to this id, happened by as_of';

-- No foreign keys: checking half a million rows costs more than writing them. Who drops a checkpoint drops its levels.
CREATE TABLE stock_checkpoint_levels (
  checkpoint_id bigint NOT NULL,
  variant_id    bigint NOT NULL,
  location_id   bigint NOT NULL,
  lot_id        bigint NOT NULL,
  on_hand       numeric(18,4) NOT NULL,
  PRIMARY KEY (checkpoint_id, variant_id, location_id, lot_id)
);

-- The sum of all rows that were archived, so that the ledger's rows and this are whole again.
CREATE TABLE ledger_opening (
  variant_id  bigint NOT NULL,
  location_id bigint NOT NULL,
  lot_id      bigint NOT NULL,
  on_hand     numeric(18,4) NOT NULL,
  PRIMARY KEY (variant_id, location_id, lot_id)
);
"""

GRANTS = """
GRANT SELECT ON ledger_horizon, ledger_opening TO perpetua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON stock_checkpoints, stock_checkpoint_levels TO perpetua_app;
GRANT EXECUTE ON FUNCTION ledger_advance_horizon TO perpetua_app;
"""


def upgrade() -> None:
    op.execute(HORIZON)
    op.execute(CHECKPOINTS)
    op.execute(GRANTS)
