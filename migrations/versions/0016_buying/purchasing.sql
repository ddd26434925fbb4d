-- What suppliers sell us.
CREATE TABLE supplier_items (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  supplier_id    bigint NOT NULL REFERENCES suppliers,
  variant_id     bigint NOT NULL REFERENCES product_variants,
  supplier_sku   text CHECK (length(supplier_sku) BETWEEN 1 AND 200),
  lead_time_days integer CHECK (lead_time_days BETWEEN 0 AND 1000),
  min_order_qty  numeric(18,4) NOT NULL DEFAULT 0 CHECK (min_order_qty >= 0),
  pack_multiple  numeric(18,4) NOT NULL DEFAULT 0 CHECK (pack_multiple >= 0),
  preferred      boolean NOT NULL DEFAULT false,
  active         boolean NOT NULL DEFAULT true,
  version        integer NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT supplier_item_preferred_active CHECK (active OR NOT preferred)
);
CREATE UNIQUE INDEX supplier_items_pair ON supplier_items (supplier_id, variant_id);
CREATE UNIQUE INDEX supplier_items_preferred ON supplier_items (variant_id) WHERE preferred;
CREATE INDEX supplier_items_variant ON supplier_items (variant_id, id);
COMMENT ON COLUMN supplier_items.pack_multiple IS 'ordered in multiples of this; 0: any quantity';
COMMENT ON COLUMN supplier_items.preferred IS 'buy it here; one supplier at most for each item';

CREATE TABLE supplier_prices (
  supplier_item_id bigint NOT NULL REFERENCES supplier_items ON DELETE CASCADE,
  min_qty          numeric(18,4) NOT NULL CHECK (min_qty >= 0),
  unit_price       numeric(18,6) NOT NULL CHECK (unit_price >= 0),
  PRIMARY KEY (supplier_item_id, min_qty)
);
COMMENT ON COLUMN supplier_prices.unit_price IS 'in the supplier''s currency, from this quantity on';

-- How we buy. The newest version counts; none is ever changed.
CREATE TABLE purchasing_settings (
  version               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  currency              text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  second_approval_above numeric(18,6) CHECK (second_approval_above >= 0),
  over_percent          numeric(5,2) NOT NULL CHECK (over_percent BETWEEN 0 AND 100),
  rates                 jsonb NOT NULL DEFAULT '{}',
  note                  text,
  created_by            bigint NOT NULL REFERENCES people,
  created_at            timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN purchasing_settings.currency IS 'the company''s own';
COMMENT ON COLUMN purchasing_settings.rates IS 'by currency: what one unit of it is worth in the company''s';
INSERT INTO purchasing_settings (currency, over_percent, note, created_by) VALUES ('GBP', 0, 'as installed', 0);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON purchasing_settings
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE, DELETE ON supplier_items TO perpetua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON supplier_prices TO perpetua_app;
GRANT SELECT, INSERT ON purchasing_settings TO perpetua_app;
