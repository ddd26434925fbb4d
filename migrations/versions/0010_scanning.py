"""Scans: what devices sent, as they sent it; and, apart from that, what became of it."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# results name variants and places without foreign keys: a log must not keep a place that never held stock from going.
TABLES = """
CREATE TABLE scan_log (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
  scanned_at      timestamptz,
  actor_id        bigint NOT NULL REFERENCES people,
  device          text CHECK (length(device) <= 100),
  symbology       text CHECK (length(symbology) <= 40),
  payload         bytea NOT NULL CHECK (octet_length(payload) <= 16000),
  payload_text    text,
  action          text NOT NULL CHECK (action IN ('lookup', 'receive', 'move', 'adjust', 'count')),
  location        text,
  asked           jsonb NOT NULL,
  idempotency_key text CHECK (length(idempotency_key) BETWEEN 1 AND 200),
  body_hash       bytea NOT NULL
);
COMMENT ON COLUMN scan_log.scanned_at IS 'by the device''s clock';
COMMENT ON COLUMN scan_log.payload IS 'what the scanner sent, byte by byte';
COMMENT ON COLUMN scan_log.payload_text IS 'the same as text; null where it is none';
COMMENT ON COLUMN scan_log.location IS 'where the device said it was';
CREATE UNIQUE INDEX scan_log_key ON scan_log (actor_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX scan_log_device ON scan_log (device, id);
CREATE INDEX scan_log_payload ON scan_log USING hash (payload_text);
CREATE INDEX scan_log_recorded ON scan_log USING brin (recorded_at);

CREATE TABLE scan_results (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scan_id      bigint NOT NULL REFERENCES scan_log,
  recorded_at  timestamptz NOT NULL DEFAULT statement_timestamp(),
  outcome      text NOT NULL CHECK (outcome IN ('answered', 'posted', 'waits', 'agreed', 'refused')),
  variant_id   bigint,
  location_id  bigint,
  lot          text,
  serial       text,
  quantity     numeric(18,4),
  posting_id   bigint REFERENCES postings,
  refusal_code text,
  refusal      jsonb,
  answer       jsonb,
  CONSTRAINT scan_results_refused CHECK ((outcome = 'refused') = (refusal_code IS NOT NULL))
);
COMMENT ON COLUMN scan_results.quantity IS 'in base units';
COMMENT ON COLUMN scan_results.answer IS 'what the device was told of the posting, to be told again under the same key';
CREATE INDEX scan_results_scan ON scan_results (scan_id, id);
-- A refused scan may be sent again; one that was done has one result, whoever sends it again.
CREATE UNIQUE INDEX scan_results_done ON scan_results (scan_id) WHERE outcome <> 'refused';
CREATE INDEX scan_results_variant ON scan_results (variant_id, scan_id);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON scan_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON scan_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON scan_results FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON scan_results FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON scan_log, scan_results TO perpetua_app;
GRANT INSERT (scanned_at, actor_id, device, symbology, payload, payload_text, action, location, asked, idempotency_key,
              body_hash) ON scan_log TO perpetua_app;
GRANT INSERT (scan_id, outcome, variant_id, location_id, lot, serial, quantity, posting_id, refusal_code, refusal,
              answer) ON scan_results TO perpetua_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
