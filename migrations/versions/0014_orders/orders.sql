-- Who buys. How to reach them stands apart, for those who may see it.
CREATE TABLE customers (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code          text NOT NULL CHECK (length(code) BETWEEN 1 AND 60),
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  tier          text,
  min_life_days integer CHECK (min_life_days BETWEEN 0 AND 3650),
  active        boolean NOT NULL DEFAULT true,
  version       integer NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX customers_code ON customers (upper(code));
COMMENT ON COLUMN customers.tier IS 'a tier of the allocation rules; none: that of the channel';
COMMENT ON COLUMN customers.min_life_days IS 'how long goods must last when they are sent';

CREATE TABLE kit_components (
  kit_id       bigint NOT NULL REFERENCES product_variants,
  component_id bigint NOT NULL REFERENCES product_variants,
  quantity     numeric(18,4) NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (kit_id, component_id),
  CONSTRAINT kit_of_others CHECK (kit_id <> component_id)
);
CREATE INDEX kit_components_component ON kit_components (component_id);
COMMENT ON COLUMN kit_components.quantity IS 'in the component''s unit, for one kit';

CREATE TABLE orders (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel       text NOT NULL CHECK (length(channel) BETWEEN 1 AND 60),
  external_id   text NOT NULL CHECK (length(external_id) BETWEEN 1 AND 200),
  body_hash     bytea NOT NULL,
  status        text NOT NULL CHECK (status IN (
                  'RECEIVED', 'ALLOCATED', 'PARTLY_ALLOCATED', 'BACKORDERED', 'RELEASED', 'PICKING', 'PACKED',
                  'PARTLY_SHIPPED', 'SHIPPED', 'CANCELLED', 'RETURNED')),
  fulfilment    text NOT NULL CHECK (fulfilment IN ('split', 'complete', 'cancel_rest')),
  customer_id   bigint REFERENCES customers,
  tier          text,
  site_id       bigint REFERENCES locations,
  country       text,
  region        text,
  postcode      text,
  min_life_days integer NOT NULL DEFAULT 0 CHECK (min_life_days BETWEEN 0 AND 3650),
  jumps         integer NOT NULL DEFAULT 0,
  placed_at     timestamptz NOT NULL,
  received_at   timestamptz NOT NULL DEFAULT statement_timestamp(),
  created_by    bigint NOT NULL REFERENCES people,
  version       integer NOT NULL DEFAULT 1
);
-- One external id is one order, however often it comes. The id first: it is searched for without its channel, too.
CREATE UNIQUE INDEX orders_external ON orders (external_id, channel);
CREATE INDEX orders_open ON orders (id) WHERE status NOT IN ('SHIPPED', 'CANCELLED', 'RETURNED');
CREATE INDEX orders_jumped ON orders (jumps) WHERE jumps > 0;
-- Those that go together or not at all, as long as they may wait.
CREATE INDEX orders_whole ON orders (id)
  WHERE fulfilment = 'complete' AND status NOT IN ('ALLOCATED', 'SHIPPED', 'CANCELLED', 'RETURNED');
CREATE INDEX orders_customer ON orders (customer_id, id) WHERE customer_id IS NOT NULL;
COMMENT ON COLUMN orders.site_id IS 'only from this site';
COMMENT ON COLUMN orders.jumps IS 'a manager put it before all that wait, of whatever tier; the higher, the earlier';
COMMENT ON COLUMN orders.placed_at IS 'when the customer ordered: first come, first served goes by it';

CREATE TABLE order_contacts (
  order_id bigint PRIMARY KEY REFERENCES orders,
  name     text,
  email    text,
  phone    text,
  address  jsonb
);
COMMENT ON TABLE order_contacts IS 'personal data, apart: for those with customers.read';

CREATE TABLE order_lines (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id    bigint NOT NULL,
  line_no     integer NOT NULL CHECK (line_no > 0),
  variant_id  bigint NOT NULL REFERENCES product_variants,
  kit         boolean NOT NULL DEFAULT false,
  quantity    numeric(18,4) NOT NULL CHECK (quantity > 0),
  unit_price  numeric(18,6) CHECK (unit_price >= 0),
  allocated   numeric(18,4) NOT NULL DEFAULT 0 CHECK (allocated >= 0),
  shipped     numeric(18,4) NOT NULL DEFAULT 0 CHECK (shipped >= 0),
  cancelled   numeric(18,4) NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
  refused     numeric(18,4) NOT NULL DEFAULT 0 CHECK (refused >= 0),
  returned    numeric(18,4) NOT NULL DEFAULT 0,
  backordered numeric(18,4) GENERATED ALWAYS AS (quantity - allocated - shipped - cancelled - refused) STORED,
  expected_on date,
  CONSTRAINT order_line_whole CHECK (allocated + shipped + cancelled + refused <= quantity),
  CONSTRAINT order_line_returned CHECK (returned BETWEEN 0 AND shipped)
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX order_lines_number ON order_lines (order_id, line_no);
CREATE INDEX order_lines_waiting ON order_lines (variant_id, id)
  WHERE backordered > 0;
CREATE INDEX order_lines_kits ON order_lines (variant_id)
  WHERE kit AND (allocated > 0 OR backordered > 0);
COMMENT ON COLUMN order_lines.kit IS 'its components are allocated, together or not at all';
COMMENT ON COLUMN order_lines.quantity IS 'all quantities are in the variant''s base unit';
COMMENT ON COLUMN order_lines.returned IS 'of what was shipped, what came back';
COMMENT ON COLUMN order_lines.backordered IS 'what is neither allocated, shipped, cancelled nor refused waits';

-- Orders and their lines are never removed, and a line never goes over to another order; so whether what they belong to is
-- there needs to be looked at only when they are written, for a whole statement at once. A foreign key does it row by row:
-- half of what writing a line took.
CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE insufficient_privilege USING
    MESSAGE = format('%s are kept: %s refused', TG_TABLE_NAME, TG_OP), HINT = 'Cancel the order.';
END $$;
CREATE TRIGGER never_removed BEFORE DELETE ON orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER never_removed BEFORE DELETE OR UPDATE OF id, order_id ON order_lines
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

CREATE FUNCTION order_lines_belong() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE orphan bigint;
BEGIN
  SELECT n.order_id INTO orphan FROM new_rows n WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = n.order_id) LIMIT 1;
  IF FOUND THEN
    RAISE foreign_key_violation USING
      CONSTRAINT = 'order_lines_belong', MESSAGE = format('a line belongs to no order: there is no order %s', orphan);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER belong AFTER INSERT ON order_lines
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION order_lines_belong();
