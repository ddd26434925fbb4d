CREATE TABLE recalls (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number    text NOT NULL GENERATED ALWAYS AS ('RC-' || lpad(id::text, greatest(6, length(id::text)), '0')) STORED,
  reason    text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
  notes     text,
  criteria  jsonb NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  opened_by bigint NOT NULL REFERENCES people,
  closed_at timestamptz,
  closed_by bigint REFERENCES people,
  version   integer NOT NULL DEFAULT 1,
  CONSTRAINT recall_closed_by_somebody CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX recalls_open ON recalls (id) WHERE closed_at IS NULL;
COMMENT ON COLUMN recalls.criteria IS 'what was asked for; recall_lots has what it came to';

CREATE TABLE recall_lots (
  recall_id      bigint NOT NULL REFERENCES recalls,
  lot_id         bigint NOT NULL REFERENCES lots,
  made           boolean NOT NULL DEFAULT false,
  was            text NOT NULL,
  released_at    timestamptz,
  released_by    bigint REFERENCES people,
  release_reason text,
  PRIMARY KEY (recall_id, lot_id),
  CONSTRAINT recall_lot_released_by_somebody CHECK (
    (released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (release_reason IS NULL))
);
CREATE INDEX recall_lots_lot ON recall_lots (lot_id) WHERE released_at IS NULL;
COMMENT ON COLUMN recall_lots.made IS 'not asked for itself: it was made of one that was';
COMMENT ON COLUMN recall_lots.was IS 'the status that it had before';

-- What was promised until the recall blocked it; where it went since, allocation's log tells.
CREATE TABLE recall_promises (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recall_id  bigint NOT NULL REFERENCES recalls,
  lot_id     bigint NOT NULL REFERENCES lots,
  site_id    bigint NOT NULL REFERENCES locations,
  order_id   bigint,
  channel    text,
  holder     text,
  quantity   numeric(18,4) NOT NULL CHECK (quantity > 0),
  CONSTRAINT recall_promise_of_one CHECK ((order_id IS NULL) = (holder IS NOT NULL))
);
CREATE INDEX recall_promises_recall ON recall_promises (recall_id, lot_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON recall_promises FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON recall_promises
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON recalls, recall_lots, recall_promises TO perpetua_app;
GRANT UPDATE (notes, closed_at, closed_by, version) ON recalls TO perpetua_app;
GRANT UPDATE (released_at, released_by, release_reason) ON recall_lots TO perpetua_app;
