-- Whom we buy from.
CREATE TABLE suppliers (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code             text NOT NULL CHECK (length(code) BETWEEN 1 AND 60),
  name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  order_email      text CHECK (length(order_email) BETWEEN 3 AND 320),
  language         text NOT NULL DEFAULT 'en',
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  net_days         integer NOT NULL DEFAULT 30 CHECK (net_days BETWEEN 0 AND 730),
  discount_percent numeric(5,2) NOT NULL DEFAULT 0 CHECK (discount_percent BETWEEN 0 AND 100),
  discount_days    integer NOT NULL DEFAULT 0 CHECK (discount_days BETWEEN 0 AND 730),
  lead_time_days   integer CHECK (lead_time_days BETWEEN 0 AND 1000),
  over_percent     numeric(5,2) CHECK (over_percent BETWEEN 0 AND 100),
  working_days     smallint[] NOT NULL DEFAULT '{1,2,3,4,5}',
  holidays         date[] NOT NULL DEFAULT '{}',
  cut_off          time,
  timezone         text NOT NULL DEFAULT 'UTC',
  addresses        jsonb NOT NULL DEFAULT '[]',
  contacts         jsonb NOT NULL DEFAULT '[]',
  active           boolean NOT NULL DEFAULT true,
  version          integer NOT NULL DEFAULT 1,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT supplier_works CHECK (cardinality(working_days) BETWEEN 1 AND 7 AND working_days <@ '{1,2,3,4,5,6,7}'::smallint[])
);
CREATE UNIQUE INDEX suppliers_code ON suppliers (upper(code));
CREATE INDEX suppliers_name ON suppliers (upper(name), id);
COMMENT ON COLUMN suppliers.discount_percent IS 'off an invoice that is paid within discount_days';
COMMENT ON COLUMN suppliers.lead_time_days IS 'for items of theirs that state none';
COMMENT ON COLUMN suppliers.over_percent IS 'so much more than ordered is taken at the dock without a question; none: as the settings say';
COMMENT ON COLUMN suppliers.working_days IS 'ISO: 1 is Monday';
COMMENT ON COLUMN suppliers.cut_off IS 'an order that comes later counts for their next working day';

GRANT SELECT, INSERT, UPDATE, DELETE ON suppliers TO perpetua_app;
