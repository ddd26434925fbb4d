CREATE TYPE transaction_type AS ENUM (
  'RECEIPT', 'SALE', 'RETURN', 'ADJUSTMENT', 'TRANSFER_OUT', 'TRANSFER_IN', 'WRITE_OFF', 'CONSUME', 'PRODUCE'
);

CREATE TABLE lots (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  variant_id      bigint REFERENCES product_variants,
  number          text NOT NULL CHECK (length(number) <= 100),
  supplier        text,
  manufactured_on date,
  expires_on      date,
  certificate     text,
  blocked         boolean NOT NULL DEFAULT false,
  created_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT lots_expire_after_made CHECK (expires_on >= manufactured_on),
  CONSTRAINT lots_of_a_variant CHECK (id = 0 OR variant_id IS NOT NULL)
);
CREATE UNIQUE INDEX lots_number ON lots (variant_id, upper(number));
-- Lot 0 is "no lot": it lets (variant, location, lot) be a key without NULLs.
INSERT INTO lots (id, number) OVERRIDING SYSTEM VALUE VALUES (0, '');

CREATE TABLE serialised_stock (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  variant_id  bigint NOT NULL REFERENCES product_variants,
  serial      text NOT NULL CHECK (length(serial) BETWEEN 1 AND 100),
  status      text NOT NULL DEFAULT 'announced'
              CHECK (status IN ('announced', 'in_stock', 'in_transit', 'sold', 'written_off', 'returned', 'removed')),
  location_id bigint REFERENCES locations,
  lot_id      bigint NOT NULL DEFAULT 0 REFERENCES lots,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT serial_is_somewhere CHECK ((location_id IS NOT NULL) = (status IN ('in_stock', 'in_transit')))
) WITH (fillfactor = 80);
-- One row a serial, one place a row: a serial is in one place only.
CREATE UNIQUE INDEX serialised_stock_serial ON serialised_stock (variant_id, upper(serial));
CREATE INDEX serialised_stock_place ON serialised_stock (location_id) WHERE location_id IS NOT NULL;

CREATE TABLE reason_codes (
  code                    text PRIMARY KEY CHECK (code = lower(code) AND length(code) BETWEEN 1 AND 40),
  name                    text NOT NULL,
  used_for                transaction_type[] NOT NULL,
  approval_above_quantity numeric(18,4) CHECK (approval_above_quantity >= 0),
  approval_above_value    numeric(18,6) CHECK (approval_above_value >= 0),
  active                  boolean NOT NULL DEFAULT true,
  version                 integer NOT NULL DEFAULT 1
);
COMMENT ON COLUMN reason_codes.approval_above_quantity IS 'a command that moves more units than this waits for approval';
COMMENT ON COLUMN reason_codes.approval_above_value IS 'a command that moves more value (at cost price) than this waits for approval';
INSERT INTO reason_codes (code, name, used_for, approval_above_quantity, approval_above_value) VALUES
  ('damage',     'Damaged',                 '{ADJUSTMENT,WRITE_OFF}',  100, 1000),
  ('theft',      'Stolen',                  '{ADJUSTMENT,WRITE_OFF}',   20,  500),
  ('expiry',     'Past its date',           '{ADJUSTMENT,WRITE_OFF}',  200, 1000),
  ('count',      'Counted differently',     '{ADJUSTMENT}',            100, 1000),
  ('found',      'Found',                   '{ADJUSTMENT}',            100, 1000),
  ('lost',       'Lost',                    '{ADJUSTMENT,WRITE_OFF}',  100, 1000),
  ('sample',     'Sample or own use',       '{ADJUSTMENT,WRITE_OFF}',   20,  200),
  ('data_entry', 'Entered wrongly',         '{ADJUSTMENT}',            100, 1000),
  ('opening',    'Opening stock',           '{RECEIPT,ADJUSTMENT}',   NULL, NULL),
  ('customer',   'Returned by a customer',  '{RETURN}',               NULL, NULL),
  ('unwanted',   'Not wanted',              '{RETURN}',               NULL, NULL),
  ('faulty',     'Faulty',                  '{RETURN,WRITE_OFF}',      100, 1000),
  ('to_vendor',  'Sent back to the vendor', '{RETURN}',                100, 1000),
  ('imported',   'Imported history',        '{WRITE_OFF,ADJUSTMENT}', NULL, NULL);

CREATE TABLE postings (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
  effective_at    timestamptz NOT NULL,
  actor_id        bigint NOT NULL REFERENCES people,
  approved_by     bigint REFERENCES people,
  command         text NOT NULL,
  idempotency_key text,
  reason_code     text REFERENCES reason_codes,
  reference_type  text,
  reference_id    text,
  note            text
);
CREATE UNIQUE INDEX postings_key ON postings (actor_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX postings_reference ON postings (reference_type, reference_id) WHERE reference_id IS NOT NULL;

-- Both times of a row are plain columns with database defaults: the application role has no right to write recorded_at.
-- No foreign keys here: a row's level carries them (made once, never removed), so that thousands of rows need no
-- thousands of look-ups; the posting is checked by set in the projecting trigger.
CREATE TABLE inventory_transactions (
  id             bigint GENERATED ALWAYS AS IDENTITY,
  posting_id     bigint NOT NULL,
  recorded_at    timestamptz NOT NULL DEFAULT statement_timestamp(),
  effective_at   timestamptz NOT NULL,
  variant_id     bigint NOT NULL,
  location_id    bigint NOT NULL,
  lot_id         bigint NOT NULL DEFAULT 0,
  serial_id      bigint,
  corrects_id    bigint,
  line_no        integer NOT NULL,
  type           transaction_type NOT NULL,
  quantity       numeric(18,4) NOT NULL,
  unit_cost      numeric(18,6) CHECK (unit_cost >= 0),
  reason_code    text,
  reference_type text,
  reference_id   text,
  PRIMARY KEY (id, recorded_at),
  CONSTRAINT transaction_sign CHECK (
    quantity <> 0 AND quantity <> 'NaN' AND (corrects_id IS NOT NULL OR CASE type
      WHEN 'RECEIPT' THEN quantity > 0 WHEN 'TRANSFER_IN' THEN quantity > 0 WHEN 'PRODUCE' THEN quantity > 0
      WHEN 'SALE' THEN quantity < 0 WHEN 'TRANSFER_OUT' THEN quantity < 0
      WHEN 'WRITE_OFF' THEN quantity < 0 WHEN 'CONSUME' THEN quantity < 0 ELSE true END)),
  CONSTRAINT transaction_of_one_serial CHECK (serial_id IS NULL OR abs(quantity) = 1),
  CONSTRAINT transaction_not_in_future CHECK (effective_at <= recorded_at + interval '1 day'),
  CONSTRAINT transaction_not_ancient CHECK (effective_at >= '1970-01-01+00')
) PARTITION BY RANGE (recorded_at);
CREATE INDEX inventory_transactions_posting ON inventory_transactions (posting_id);
CREATE INDEX inventory_transactions_variant ON inventory_transactions (variant_id, effective_at, id);
CREATE INDEX inventory_transactions_location ON inventory_transactions (location_id, id);
CREATE INDEX inventory_transactions_effective ON inventory_transactions USING brin (effective_at)
  WITH (pages_per_range = 32, autosummarize = on);
-- Rows recorded long after they happened: what an as-of query adds on top of a checkpoint made before.
CREATE INDEX inventory_transactions_late ON inventory_transactions (variant_id, effective_at, id)
  WHERE recorded_at - effective_at > interval '3 days';
CREATE INDEX inventory_transactions_serial ON inventory_transactions (serial_id, id) WHERE serial_id IS NOT NULL;
CREATE INDEX inventory_transactions_reference ON inventory_transactions (reference_type, reference_id)
  WHERE reference_id IS NOT NULL;

-- A row is corrected once: its correction can be corrected in turn.
CREATE TABLE corrections (
  corrected_id bigint PRIMARY KEY,
  posting_id   bigint NOT NULL REFERENCES postings
);

CREATE TABLE inventory_levels (
  variant_id       bigint NOT NULL REFERENCES product_variants,
  location_id      bigint NOT NULL REFERENCES locations,
  lot_id           bigint NOT NULL DEFAULT 0 REFERENCES lots,
  on_hand          numeric(18,4) NOT NULL,
  negative_allowed boolean NOT NULL DEFAULT false,
  version          bigint NOT NULL DEFAULT 1,
  updated_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (variant_id, location_id, lot_id),
  CONSTRAINT level_not_negative CHECK (on_hand >= 0 OR negative_allowed)
) WITH (fillfactor = 70);
CREATE INDEX inventory_levels_location ON inventory_levels (location_id, variant_id);

CREATE TABLE inventory_positions (
  variant_id bigint NOT NULL REFERENCES product_variants,
  site_id    bigint NOT NULL REFERENCES locations,
  on_hand    numeric(18,4) NOT NULL DEFAULT 0,
  unsellable numeric(18,4) NOT NULL DEFAULT 0,
  allocated  numeric(18,4) NOT NULL DEFAULT 0 CHECK (allocated >= 0),
  reserved   numeric(18,4) NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  on_order   numeric(18,4) NOT NULL DEFAULT 0 CHECK (on_order >= 0),
  in_transit numeric(18,4) NOT NULL DEFAULT 0,
  version    bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (variant_id, site_id)
) WITH (fillfactor = 70);
CREATE INDEX inventory_positions_site ON inventory_positions (site_id, variant_id);
COMMENT ON COLUMN inventory_positions.on_hand IS 'in the site, its transit location excepted';
COMMENT ON COLUMN inventory_positions.unsellable IS 'the part of on_hand that lies where nothing may be promised from';
COMMENT ON TABLE inventory_positions IS 'available is on_hand - unsellable - allocated - reserved, worked out where it is read';
COMMENT ON COLUMN inventory_positions.in_transit IS 'on its way to this site';

CREATE TABLE transfers (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_location_id bigint NOT NULL REFERENCES locations,
  to_location_id   bigint NOT NULL REFERENCES locations,
  transit_id       bigint NOT NULL REFERENCES locations,
  status           text NOT NULL DEFAULT 'IN_TRANSIT' CHECK (status IN ('IN_TRANSIT', 'RECEIVED', 'CLOSED_SHORT', 'CANCELLED')),
  expected_at      timestamptz,
  note             text,
  created_by       bigint NOT NULL REFERENCES people,
  created_at       timestamptz NOT NULL DEFAULT now(),
  version          integer NOT NULL DEFAULT 1
);
CREATE INDEX transfers_open ON transfers (id) WHERE status = 'IN_TRANSIT';
CREATE TABLE transfer_lines (
  transfer_id bigint NOT NULL REFERENCES transfers,
  line_no     integer NOT NULL,
  variant_id  bigint NOT NULL REFERENCES product_variants,
  lot_id      bigint NOT NULL DEFAULT 0 REFERENCES lots,
  serial_id   bigint REFERENCES serialised_stock,
  sent        numeric(18,4) NOT NULL CHECK (sent > 0),
  received    numeric(18,4) NOT NULL DEFAULT 0 CHECK (received >= 0),
  returned    numeric(18,4) NOT NULL DEFAULT 0 CHECK (returned >= 0),
  lost        numeric(18,4) NOT NULL DEFAULT 0 CHECK (lost >= 0),
  unit_cost   numeric(18,6),
  PRIMARY KEY (transfer_id, line_no),
  CONSTRAINT transfer_line_whole CHECK (received + returned + lost <= sent)
);

CREATE TABLE adjustment_requests (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  status       text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'APPROVED', 'REJECTED', 'WITHDRAWN')),
  command      text NOT NULL CHECK (command IN ('adjust', 'write_off', 'return')),
  body         jsonb NOT NULL,
  path_sites   bigint[] NOT NULL,
  why          text NOT NULL,
  requested_by bigint NOT NULL REFERENCES people,
  requested_at timestamptz NOT NULL DEFAULT now(),
  decided_by   bigint REFERENCES people,
  decided_at   timestamptz,
  decision_note text,
  posting_id   bigint REFERENCES postings,
  version      integer NOT NULL DEFAULT 1
);
COMMENT ON COLUMN adjustment_requests.body IS 'the command as it will be posted, with ids resolved';
COMMENT ON COLUMN adjustment_requests.path_sites IS 'the locations it touches, for the scope of who may see and decide it';
CREATE INDEX adjustment_requests_pending ON adjustment_requests (id) WHERE status = 'PENDING';
