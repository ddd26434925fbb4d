-- What an invoice may differ by without a question. The newest version counts for invoices entered from then on.
CREATE TABLE match_settings (
  version          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  price_percent    numeric(5,2) NOT NULL CHECK (price_percent BETWEEN 0 AND 100),
  price_value      numeric(18,6) CHECK (price_value >= 0),
  quantity_percent numeric(5,2) NOT NULL CHECK (quantity_percent BETWEEN 0 AND 100),
  quantity_value   numeric(18,6) CHECK (quantity_value >= 0),
  charge_value     numeric(18,6) CHECK (charge_value >= 0),
  note             text CHECK (length(note) BETWEEN 1 AND 500),
  created_by       bigint NOT NULL REFERENCES people,
  created_at       timestamptz NOT NULL DEFAULT statement_timestamp()
);
COMMENT ON TABLE match_settings IS 'values are of one line, in the company''s currency; none: the per cent alone counts';
COMMENT ON COLUMN match_settings.charge_value IS 'freight and the like up to this, without a question; none: any';
INSERT INTO match_settings (price_percent, price_value, quantity_percent, quantity_value, charge_value, note, created_by)
VALUES (1, 10, 0, NULL, 100, 'as installed', 0);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON match_settings FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE supplier_invoices (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  supplier_id      bigint NOT NULL REFERENCES suppliers,
  number           text NOT NULL CHECK (length(number) BETWEEN 1 AND 100),
  status           text NOT NULL DEFAULT 'MATCHED' CHECK (status IN (
                     'MATCHED', 'WAITING', 'FLAGGED', 'DISPUTED', 'RELEASED', 'VOID')),
  flagged          integer NOT NULL DEFAULT 0 CHECK (flagged >= 0),
  waiting          integer NOT NULL DEFAULT 0 CHECK (waiting >= 0),
  settings_version integer NOT NULL REFERENCES match_settings,
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  exchange_rate    numeric(18,8) NOT NULL CHECK (exchange_rate > 0),
  invoiced_on      date NOT NULL,
  due_on           date NOT NULL,
  discount_percent numeric(5,2) NOT NULL DEFAULT 0 CHECK (discount_percent BETWEEN 0 AND 100),
  discount_until   date,
  total            numeric(18,2) NOT NULL,
  payable          numeric(18,2),
  note             text CHECK (length(note) BETWEEN 1 AND 2000),
  created_by       bigint NOT NULL REFERENCES people,
  created_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
  released_by      bigint REFERENCES people,
  released_at      timestamptz,
  voided_by        bigint REFERENCES people,
  voided_at        timestamptz,
  void_reason      text CHECK (length(void_reason) BETWEEN 1 AND 500),
  version          integer NOT NULL DEFAULT 1,
  updated_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT invoice_released CHECK ((status = 'RELEASED') = (released_at IS NOT NULL)
                                     AND (released_at IS NULL) = (payable IS NULL)),
  CONSTRAINT invoice_void CHECK ((status = 'VOID') = (voided_at IS NOT NULL))
);
-- A number is one invoice, whatever its case; one that was entered wrongly is made void, and entered anew.
CREATE UNIQUE INDEX supplier_invoices_number ON supplier_invoices (supplier_id, upper(number)) WHERE status <> 'VOID';
CREATE INDEX supplier_invoices_due ON supplier_invoices (due_on, id);
CREATE INDEX supplier_invoices_supplier ON supplier_invoices (supplier_id, id);
CREATE INDEX supplier_invoices_open ON supplier_invoices (status, id) WHERE status NOT IN ('RELEASED', 'VOID');
CREATE INDEX supplier_invoices_after ON supplier_invoices (id) WHERE status = 'RELEASED' AND flagged + waiting > 0;
COMMENT ON COLUMN supplier_invoices.flagged IS 'lines that somebody must decide on';
COMMENT ON COLUMN supplier_invoices.waiting IS 'lines whose goods have not come yet';
COMMENT ON COLUMN supplier_invoices.total IS 'as the supplier states it, with tax, in its currency';
COMMENT ON COLUMN supplier_invoices.payable IS 'what was released for payment';

CREATE TABLE supplier_invoice_lines (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice_id      bigint NOT NULL REFERENCES supplier_invoices,
  line_no         integer NOT NULL CHECK (line_no > 0),
  kind            text NOT NULL CHECK (kind IN ('goods', 'freight', 'duty', 'insurance', 'other')),
  po_line_id      bigint REFERENCES po_lines,
  variant_id      bigint REFERENCES product_variants,
  supplier_sku    text CHECK (length(supplier_sku) BETWEEN 1 AND 200),
  description     text CHECK (length(description) BETWEEN 1 AND 500),
  quantity        numeric(18,4) NOT NULL CHECK (quantity > 0),
  unit_price      numeric(18,6) NOT NULL CHECK (unit_price >= 0),
  tax             numeric(18,6) NOT NULL DEFAULT 0 CHECK (tax >= 0),
  counted         numeric(18,4) NOT NULL CHECK (counted >= 0),
  state           text NOT NULL DEFAULT 'NOT_ORDERED' CHECK (state IN (
                    'MATCHED', 'NOT_RECEIVED', 'PRICE_DIFFERS', 'QUANTITY_DIFFERS', 'NOT_ORDERED', 'ACCEPTED', 'REJECTED',
                    'DISPUTED')),
  problems        text[] NOT NULL DEFAULT '{}',
  ordered         numeric(18,4),
  received        numeric(18,4),
  invoiced_before numeric(18,4) NOT NULL DEFAULT 0,
  expected_price  numeric(18,6),
  decision_id     bigint,
  CONSTRAINT invoice_line_kind CHECK (kind = 'goods' OR po_line_id IS NULL)
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX supplier_invoice_lines_number ON supplier_invoice_lines (invoice_id, line_no);
CREATE INDEX supplier_invoice_lines_po ON supplier_invoice_lines (po_line_id, id) WHERE po_line_id IS NOT NULL;
COMMENT ON COLUMN supplier_invoice_lines.counted IS 'so much of it counts as invoiced: nothing of what is rejected or void';
COMMENT ON COLUMN supplier_invoice_lines.ordered IS 'of its order''s line, less what was cancelled, when it was last matched';
COMMENT ON COLUMN supplier_invoice_lines.expected_price IS 'the order''s, in the invoice''s currency';

-- What was decided of a line that differs, on which facts. The newest counts, as long as no fact is worse.
CREATE TABLE supplier_invoice_decisions (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  line_id         bigint NOT NULL REFERENCES supplier_invoice_lines,
  decision        text NOT NULL CHECK (decision IN ('accept', 'reject', 'credit')),
  reason          text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  problems        text[] NOT NULL,
  ordered         numeric(18,4),
  received        numeric(18,4),
  invoiced_before numeric(18,4) NOT NULL,
  expected_price  numeric(18,6),
  agreed          numeric(18,6) NOT NULL CHECK (agreed >= 0),
  person_id       bigint NOT NULL REFERENCES people CHECK (person_id > 0),
  at              timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE INDEX supplier_invoice_decisions_line ON supplier_invoice_decisions (line_id, id);
COMMENT ON COLUMN supplier_invoice_decisions.agreed IS 'what is paid of the line, with its tax';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON supplier_invoice_decisions
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE supplier_invoice_lines
  ADD FOREIGN KEY (decision_id) REFERENCES supplier_invoice_decisions;
CREATE TRIGGER never_removed BEFORE DELETE ON supplier_invoices FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER never_removed BEFORE DELETE ON supplier_invoice_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

GRANT SELECT, INSERT ON match_settings, supplier_invoices, supplier_invoice_lines, supplier_invoice_decisions TO perpetua_app;
GRANT UPDATE (status, payable, released_by, released_at, voided_by, voided_at, void_reason, version, updated_at)
  ON supplier_invoices TO perpetua_app;
GRANT UPDATE (counted, decision_id) ON supplier_invoice_lines TO perpetua_app;
GRANT USAGE ON SEQUENCE supplier_invoices_id_seq TO perpetua_app;
