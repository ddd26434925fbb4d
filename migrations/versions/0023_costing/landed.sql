-- What bringing goods here cost, and on which rows of the ledger it lies. Nothing is changed: a charge is taken back by one
-- that names it, with the same rows below nothing.
CREATE TABLE landed_charges (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind           text NOT NULL CHECK (kind IN ('freight', 'duty', 'insurance', 'other')),
  basis          text NOT NULL CHECK (basis IN ('value', 'weight', 'volume', 'quantity')),
  amount         numeric(18,6) NOT NULL CHECK (amount <> 0),
  currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  exchange_rate  numeric(18,8) NOT NULL CHECK (exchange_rate > 0),
  company_amount numeric(18,6) NOT NULL CHECK (company_amount <> 0),
  supplier_id    bigint REFERENCES suppliers,
  invoice_id     bigint REFERENCES supplier_invoices,
  reference      text CHECK (length(reference) BETWEEN 1 AND 200),
  note           text CHECK (length(note) BETWEEN 1 AND 2000),
  charged_on     date NOT NULL,
  chosen         jsonb NOT NULL,
  cancels_id     bigint REFERENCES landed_charges,
  created_by     bigint NOT NULL REFERENCES people,
  created_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT landed_charge_sign CHECK ((cancels_id IS NULL) = (amount > 0) AND (amount > 0) = (company_amount > 0))
);
CREATE UNIQUE INDEX landed_charges_cancels ON landed_charges (cancels_id) WHERE cancels_id IS NOT NULL;
CREATE INDEX landed_charges_supplier ON landed_charges (supplier_id, id) WHERE supplier_id IS NOT NULL;
COMMENT ON COLUMN landed_charges.company_amount IS 'in the company''s currency: what its lines add up to';
COMMENT ON COLUMN landed_charges.chosen IS 'the receipts, orders and postings it was spread over, as they were named';

CREATE TABLE landed_cost_lines (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  charge_id      bigint NOT NULL REFERENCES landed_charges,
  transaction_id bigint NOT NULL,
  variant_id     bigint NOT NULL REFERENCES product_variants,
  quantity       numeric(18,4) NOT NULL CHECK (quantity > 0),
  share          numeric(36,12) NOT NULL CHECK (share >= 0),
  amount         numeric(18,6) NOT NULL
);
CREATE UNIQUE INDEX landed_cost_lines_row ON landed_cost_lines (charge_id, transaction_id);
CREATE INDEX landed_cost_lines_transaction ON landed_cost_lines (transaction_id);
CREATE INDEX landed_cost_lines_variant ON landed_cost_lines (variant_id, id);
COMMENT ON COLUMN landed_cost_lines.transaction_id IS 'the row of the ledger by which the goods came; sold or not';
COMMENT ON COLUMN landed_cost_lines.share IS 'the value, weight (kg), volume (m3) or quantity that it counted with';
COMMENT ON COLUMN landed_cost_lines.amount IS 'in the company''s currency';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON landed_charges FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON landed_cost_lines FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON landed_charges, landed_cost_lines TO perpetua_app;
