-- A delivery at the dock. What came of it is posted line by line; the ledger's rows name it by its number.
CREATE TABLE receipts (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id     bigint NOT NULL REFERENCES locations,
  location_id bigint NOT NULL REFERENCES locations,
  supplier_id bigint REFERENCES suppliers,
  status      text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CLOSED')),
  reference   text CHECK (length(reference) BETWEEN 1 AND 200),
  carrier     text CHECK (length(carrier) BETWEEN 1 AND 200),
  note        text CHECK (length(note) BETWEEN 1 AND 2000),
  created_by  bigint NOT NULL REFERENCES people,
  created_at  timestamptz NOT NULL DEFAULT statement_timestamp(),
  closed_by   bigint REFERENCES people,
  closed_at   timestamptz,
  version     integer NOT NULL DEFAULT 1,
  CONSTRAINT receipt_closed CHECK ((status = 'CLOSED') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX receipts_open ON receipts (id) WHERE status = 'OPEN';
CREATE INDEX receipts_supplier ON receipts (supplier_id, id) WHERE supplier_id IS NOT NULL;
CREATE INDEX receipts_site ON receipts (site_id, id);
COMMENT ON COLUMN receipts.location_id IS 'where goods are put that nobody says another place for';
COMMENT ON COLUMN receipts.reference IS 'the supplier''s delivery note';

CREATE TABLE receipt_orders (
  receipt_id bigint NOT NULL REFERENCES receipts,
  po_id      bigint NOT NULL REFERENCES purchase_orders,
  PRIMARY KEY (receipt_id, po_id)
);
CREATE INDEX receipt_orders_po ON receipt_orders (po_id, receipt_id);

CREATE TABLE receipt_expected (
  receipt_id bigint NOT NULL REFERENCES receipts,
  line_no    integer NOT NULL CHECK (line_no > 0),
  po_line_id bigint REFERENCES po_lines,
  variant_id bigint NOT NULL REFERENCES product_variants,
  quantity   numeric(18,4) NOT NULL CHECK (quantity > 0),
  plate      text CHECK (length(plate) BETWEEN 1 AND 60),
  lot        text CHECK (length(lot) BETWEEN 1 AND 100),
  expires_on date,
  PRIMARY KEY (receipt_id, line_no)
);
CREATE INDEX receipt_expected_plate ON receipt_expected (receipt_id, upper(plate)) WHERE plate IS NOT NULL;
COMMENT ON COLUMN receipt_expected.plate IS 'on which pallet or box (SSCC) it was announced';
COMMENT ON TABLE receipt_expected IS 'what was to come with it: as announced, or else what was open of its orders';

CREATE TABLE receipt_lines (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  receipt_id  bigint NOT NULL REFERENCES receipts,
  line_no     integer NOT NULL CHECK (line_no > 0),
  po_line_id  bigint REFERENCES po_lines,
  variant_id  bigint NOT NULL REFERENCES product_variants,
  lot_id      bigint NOT NULL DEFAULT 0 REFERENCES lots,
  location_id bigint NOT NULL REFERENCES locations,
  condition   text NOT NULL CHECK (condition IN ('good', 'damaged', 'expired')),
  quantity    numeric(18,4) NOT NULL CHECK (quantity > 0),
  posting_id  bigint NOT NULL REFERENCES postings,
  note        text CHECK (length(note) BETWEEN 1 AND 2000),
  received_by bigint NOT NULL REFERENCES people,
  received_at timestamptz NOT NULL,
  undone_by   bigint REFERENCES people,
  undone_at   timestamptz,
  undone_posting_id bigint REFERENCES postings,
  undo_reason text CHECK (length(undo_reason) BETWEEN 1 AND 1000),
  CONSTRAINT receipt_line_undone CHECK (
    (undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_posting_id IS NULL)
    AND (undone_at IS NULL) = (undo_reason IS NULL))
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX receipt_lines_number ON receipt_lines (receipt_id, line_no);
CREATE INDEX receipt_lines_po_line ON receipt_lines (po_line_id) WHERE po_line_id IS NOT NULL;
CREATE INDEX receipt_lines_variant ON receipt_lines (variant_id, id);
CREATE INDEX receipt_lines_lot ON receipt_lines (lot_id) WHERE lot_id <> 0;
COMMENT ON COLUMN receipt_lines.line_no IS 'also that of its rows in the ledger, in its posting';

CREATE TABLE receipt_discrepancies (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  receipt_id bigint NOT NULL REFERENCES receipts,
  line_id    bigint REFERENCES receipt_lines,
  po_line_id bigint REFERENCES po_lines,
  variant_id bigint REFERENCES product_variants,
  kind       text NOT NULL CHECK (kind IN ('short', 'over', 'damaged', 'wrong_item', 'unexpected', 'expired')),
  quantity   numeric(18,4) NOT NULL CHECK (quantity > 0),
  expected   numeric(18,4) CHECK (expected >= 0),
  instead_of bigint REFERENCES product_variants,
  code       text CHECK (length(code) BETWEEN 1 AND 4000),
  note       text CHECK (length(note) BETWEEN 1 AND 2000),
  status     text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'RESOLVED', 'UNDONE')),
  resolution text CHECK (resolution IN ('accepted', 'credit', 'replaced', 'returned', 'later')),
  answer     text CHECK (length(answer) BETWEEN 1 AND 2000),
  noted_by   bigint NOT NULL REFERENCES people,
  noted_at   timestamptz NOT NULL DEFAULT statement_timestamp(),
  settled_by bigint REFERENCES people,
  settled_at timestamptz,
  version    integer NOT NULL DEFAULT 1,
  CONSTRAINT discrepancy_settled CHECK (
    (status = 'OPEN') = (settled_at IS NULL) AND (settled_at IS NULL) = (settled_by IS NULL)
    AND (status = 'RESOLVED') = (resolution IS NOT NULL)),
  CONSTRAINT discrepancy_names_goods CHECK (variant_id IS NOT NULL OR code IS NOT NULL OR note IS NOT NULL)
);
CREATE INDEX receipt_discrepancies_receipt ON receipt_discrepancies (receipt_id, id);
CREATE INDEX receipt_discrepancies_line ON receipt_discrepancies (line_id) WHERE line_id IS NOT NULL;
CREATE INDEX receipt_discrepancies_open ON receipt_discrepancies (id) WHERE status = 'OPEN';
COMMENT ON COLUMN receipt_discrepancies.code IS 'what was scanned, where nobody knew the goods';

CREATE TABLE receipt_photos (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  discrepancy_id bigint NOT NULL REFERENCES receipt_discrepancies,
  sha256         text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  media_type     text NOT NULL,
  size_bytes     integer NOT NULL CHECK (size_bytes > 0),
  added_by       bigint NOT NULL REFERENCES people,
  added_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
  UNIQUE (discrepancy_id, sha256)
);
CREATE INDEX receipt_photos_content ON receipt_photos (sha256);

-- What came stays written; a mistake is undone, and stands there as undone.
CREATE FUNCTION receipt_line_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE insufficient_privilege USING
    MESSAGE = format('line %s of a receipt is kept: %s refused', OLD.id, TG_OP), HINT = 'Undo it.';
END $$;
CREATE TRIGGER keep BEFORE DELETE OR UPDATE OF
  receipt_id, line_no, po_line_id, variant_id, lot_id, location_id, condition, quantity, posting_id, received_by, received_at
  ON receipt_lines FOR EACH ROW EXECUTE FUNCTION receipt_line_keep();
CREATE TRIGGER keep_undone BEFORE UPDATE ON receipt_lines
  FOR EACH ROW WHEN (OLD.undone_at IS NOT NULL) EXECUTE FUNCTION receipt_line_keep();

GRANT SELECT, INSERT ON receipts, receipt_orders, receipt_expected, receipt_lines, receipt_discrepancies, receipt_photos
  TO perpetua_app;
GRANT UPDATE (status, closed_by, closed_at, version) ON receipts TO perpetua_app;
GRANT UPDATE (undone_by, undone_at, undone_posting_id, undo_reason) ON receipt_lines TO perpetua_app;
GRANT UPDATE (status, resolution, answer, settled_by, settled_at, version) ON receipt_discrepancies TO perpetua_app;
