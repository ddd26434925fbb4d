-- A lot is released, or kept from being sent for a reason. `blocked` is what all who promise stock ask.
ALTER TABLE lots
  ADD COLUMN status text NOT NULL DEFAULT 'released' CHECK (status IN ('released', 'hold', 'quarantine', 'recalled')),
  ADD COLUMN supplier_lot text CHECK (length(supplier_lot) <= 100),
  ADD COLUMN best_before_on date,
  ADD COLUMN certificate_type text,
  ADD COLUMN version integer NOT NULL DEFAULT 1,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
UPDATE lots SET status = 'hold' WHERE blocked AND id <> 0;
-- Nothing of ours ever wrote certificates; what others did is kept with the lot's history below.
CREATE TABLE lot_events (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lot_id    bigint NOT NULL REFERENCES lots,
  at        timestamptz NOT NULL DEFAULT statement_timestamp(),
  actor_id  bigint NOT NULL REFERENCES people,
  action    text NOT NULL CHECK (action IN ('status', 'changed', 'certificate')),
  before    jsonb NOT NULL,
  after     jsonb NOT NULL,
  reason    text,
  reference text
);
CREATE INDEX lot_events_lot ON lot_events (lot_id, id);
COMMENT ON COLUMN lot_events.reference IS 'the document that it was done for, such as a recall';
INSERT INTO lot_events (lot_id, actor_id, action, before, after, reason)
SELECT id, 0, 'status', '{"status": "released"}', '{"status": "hold"}', 'was blocked before lots had a status'
FROM lots WHERE status = 'hold';
INSERT INTO lot_events (lot_id, actor_id, action, before, after, reason)
SELECT id, 0, 'certificate', jsonb_build_object('certificate', certificate), '{"certificate": null}', 'was no file'
FROM lots WHERE certificate IS NOT NULL;
UPDATE lots SET certificate = NULL WHERE certificate IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON lot_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON lot_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE lots DROP COLUMN blocked;
ALTER TABLE lots
  ADD COLUMN blocked boolean NOT NULL GENERATED ALWAYS AS (status <> 'released') STORED,
  ADD CONSTRAINT lots_certificate_kept CHECK (
    (certificate IS NULL) = (certificate_type IS NULL) AND certificate ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT lots_good_after_made CHECK (best_before_on >= manufactured_on),
  ADD CONSTRAINT lots_none_is_free CHECK (id <> 0 OR status = 'released');
COMMENT ON COLUMN lots.certificate IS 'the SHA-256 under which the file''s content is kept';
COMMENT ON COLUMN lots.expires_on IS 'the last day (in UTC) on which it may be sent';

CREATE INDEX lots_by_number ON lots (upper(number), id);
CREATE INDEX lots_expiring ON lots (expires_on, id) WHERE expires_on IS NOT NULL;
CREATE INDEX lots_not_released ON lots (status, id) WHERE status <> 'released';
CREATE INDEX lots_supplier ON lots (upper(supplier), upper(supplier_lot)) WHERE supplier IS NOT NULL OR supplier_lot IS NOT NULL;
CREATE INDEX lots_certificate ON lots (certificate) WHERE certificate IS NOT NULL;
-- Where a lot lies, and what became of it. Goods without lots are not in these, and pay nothing for them.
CREATE INDEX inventory_levels_lot ON inventory_levels (lot_id) WHERE lot_id <> 0;
CREATE INDEX inventory_transactions_lot ON inventory_transactions (lot_id, id) WHERE lot_id <> 0;

-- Told once for each date of a lot: when the date is changed, its day comes anew.
CREATE TABLE lot_expiry_alerts (
  lot_id     bigint NOT NULL REFERENCES lots,
  expires_on date NOT NULL,
  alerted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (lot_id, expires_on)
);
GRANT SELECT, INSERT ON lot_events, lot_expiry_alerts TO perpetua_app;
