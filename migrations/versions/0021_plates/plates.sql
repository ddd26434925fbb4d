CREATE TABLE license_plates (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code        text NOT NULL CHECK (length(code) BETWEEN 1 AND 60),
  sscc        text CHECK (sscc ~ '^[0-9]{18}$'),
  location_id bigint NOT NULL REFERENCES locations,
  parent_id   bigint REFERENCES license_plates,
  status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed', 'shipped', 'dissolved')),
  note        text CHECK (length(note) <= 1000),
  created_by  bigint NOT NULL REFERENCES people,
  created_at  timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at  timestamptz NOT NULL DEFAULT statement_timestamp(),
  version     integer NOT NULL DEFAULT 1,
  CONSTRAINT plate_not_in_itself CHECK (parent_id <> id),
  CONSTRAINT plate_gone_stands_alone CHECK (parent_id IS NULL OR status IN ('open', 'closed', 'shipped'))
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX license_plates_code ON license_plates (upper(code));
CREATE UNIQUE INDEX license_plates_sscc ON license_plates (sscc) WHERE sscc IS NOT NULL;
CREATE INDEX license_plates_parent ON license_plates (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX license_plates_here ON license_plates (location_id) WHERE status IN ('open', 'closed');
COMMENT ON COLUMN license_plates.code IS 'what is printed on it: its SSCC, or any other';

-- Quantities are parts of the level at the plate's place: they never exceed it. Changed under the position's lock alone.
CREATE TABLE plate_contents (
  plate_id   bigint NOT NULL REFERENCES license_plates,
  variant_id bigint NOT NULL REFERENCES product_variants,
  lot_id     bigint NOT NULL DEFAULT 0 REFERENCES lots,
  serial_id  bigint NOT NULL DEFAULT 0,
  quantity   numeric(18,4) NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (plate_id, variant_id, lot_id, serial_id),
  CONSTRAINT plate_content_of_one_serial CHECK (serial_id = 0 OR quantity = 1)
);
CREATE INDEX plate_contents_variant ON plate_contents (variant_id, lot_id);
CREATE UNIQUE INDEX plate_contents_serial ON plate_contents (serial_id) WHERE serial_id <> 0;
COMMENT ON COLUMN plate_contents.serial_id IS '0: not serialised; a serial stands on one plate at most';

CREATE TABLE plate_events (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plate_id   bigint NOT NULL REFERENCES license_plates,
  at         timestamptz NOT NULL DEFAULT statement_timestamp(),
  actor_id   bigint NOT NULL REFERENCES people,
  action     text NOT NULL CHECK (action IN (
               'made', 'put', 'taken', 'gave_up', 'nested', 'unnested', 'moved', 'closed', 'opened', 'shipped', 'dissolved')),
  facts      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX plate_events_plate ON plate_events (plate_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON plate_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON plate_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Of what SSCCs are made. Numbers are drawn from the sequence; gaps do no harm, a number twice would.
CREATE TABLE plate_settings (
  one            boolean PRIMARY KEY DEFAULT true CHECK (one),
  company_prefix text CHECK (company_prefix ~ '^[0-9]{4,12}$'),
  extension      smallint NOT NULL DEFAULT 0 CHECK (extension BETWEEN 0 AND 9),
  version        integer NOT NULL DEFAULT 1
);
INSERT INTO plate_settings DEFAULT VALUES;
CREATE SEQUENCE plate_numbers MINVALUE 1;

GRANT SELECT, INSERT, UPDATE ON license_plates TO perpetua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON plate_contents TO perpetua_app;
GRANT SELECT, INSERT ON plate_events TO perpetua_app;
GRANT SELECT, UPDATE ON plate_settings TO perpetua_app;
GRANT USAGE ON SEQUENCE plate_numbers TO perpetua_app;
