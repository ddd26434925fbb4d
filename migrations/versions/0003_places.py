"""Places: the tree of locations, with each one's path from its site kept beside it."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# site_id is generated from the path, so that the two cannot disagree. A path is checked by set after each statement:
# whoever writes a location (also by hand), its path is its parent's path and itself.
TABLES = """
CREATE TABLE locations (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  parent_id         bigint REFERENCES locations,
  path              bigint[] NOT NULL,
  site_id           bigint NOT NULL GENERATED ALWAYS AS (path[1]) STORED,
  code              text NOT NULL,
  name              text NOT NULL CHECK (length(name) <= 200),
  kind              text NOT NULL,
  address           jsonb CHECK (jsonb_typeof(address) = 'object'),
  capacity_units    numeric(18,4) CHECK (capacity_units >= 0 AND capacity_units <> 'NaN'),
  weight_limit_kg   numeric(18,4) CHECK (weight_limit_kg >= 0 AND weight_limit_kg <> 'NaN'),
  temperature_zone  text CHECK (length(temperature_zone) BETWEEN 1 AND 40),
  temperature_min_c numeric(6,2) CHECK (temperature_min_c <> 'NaN'),
  temperature_max_c numeric(6,2) CHECK (temperature_max_c <> 'NaN'),
  pick_sequence     integer CHECK (pick_sequence >= 0),
  sellable          boolean NOT NULL DEFAULT true,
  negative_allowed  boolean NOT NULL DEFAULT false,
  active            boolean NOT NULL DEFAULT true,
  version           integer NOT NULL DEFAULT 1,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT locations_kind CHECK (kind IN ('warehouse', 'store', 'fulfilment_centre', 'zone', 'aisle', 'rack', 'shelf',
    'bin', 'dock', 'staging', 'packing', 'transit', 'quarantine', 'damaged')),
  CONSTRAINT locations_sites_are_roots CHECK (
    (parent_id IS NULL) = (kind IN ('warehouse', 'store', 'fulfilment_centre'))),
  CONSTRAINT locations_code CHECK (length(code) BETWEEN 1 AND 40 AND code = btrim(code) AND code !~ '[[:cntrl:]]'),
  CONSTRAINT locations_temperatures CHECK (temperature_min_c <= temperature_max_c),
  CONSTRAINT locations_path_ends CHECK (
    path[cardinality(path)] = id AND path[cardinality(path) - 1] IS NOT DISTINCT FROM parent_id),
  CONSTRAINT locations_transit_not_sellable CHECK (NOT (kind = 'transit' AND sellable))
);
COMMENT ON COLUMN locations.path IS 'ids from the site down to the location itself';
COMMENT ON COLUMN locations.site_id IS 'the root of its path';
COMMENT ON COLUMN locations.capacity_units IS 'most base units it should hold; null is no limit';
COMMENT ON COLUMN locations.pick_sequence IS 'order of walking; null is not on the walk';
CREATE UNIQUE INDEX locations_code_unique ON locations (upper(code));
CREATE INDEX locations_path ON locations USING gin (path);
CREATE INDEX locations_parent ON locations (parent_id);
CREATE INDEX locations_site ON locations (site_id, pick_sequence);
CREATE UNIQUE INDEX locations_one_transit ON locations (site_id) WHERE kind = 'transit';
CREATE INDEX locations_text ON locations USING gin (upper(code) gin_trgm_ops, upper(name) gin_trgm_ops);

-- A single new row may leave its path to be derived; bulk statements bring paths along.
CREATE FUNCTION places_derive_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.path := coalesce((SELECT p.path FROM locations p WHERE p.id = NEW.parent_id), '{}') || NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER derive_path BEFORE INSERT ON locations
  FOR EACH ROW WHEN (NEW.path IS NULL) EXECUTE FUNCTION places_derive_path();

-- By EXECUTE, so that each run is planned for its own number of rows: a plan kept from one row would join ten thousand
-- with ten thousand, row by row. By min(), as with LIMIT 1 the planner hopes to find one at once and does the same.
CREATE FUNCTION places_check_paths() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong bigint;
BEGIN
  EXECUTE 'SELECT min(n.id) FROM new_places n LEFT JOIN locations p ON p.id = n.parent_id
           WHERE n.path IS DISTINCT FROM coalesce(p.path, ''{}'') || n.id' INTO wrong;
  IF wrong IS NULL AND TG_OP = 'UPDATE' THEN
    EXECUTE 'SELECT min(c.id) FROM new_places n JOIN old_places o USING (id) JOIN locations c ON c.parent_id = n.id
             WHERE n.path <> o.path AND c.path <> n.path || c.id' INTO wrong;
  END IF;
  IF wrong IS NOT NULL THEN
    RAISE check_violation USING CONSTRAINT = 'locations_path_is_parents', DETAIL = wrong::text,
      MESSAGE = format('the path of location %s is not its parent''s path and itself', wrong);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER check_paths_inserted AFTER INSERT ON locations
  REFERENCING NEW TABLE AS new_places FOR EACH STATEMENT EXECUTE FUNCTION places_check_paths();
CREATE TRIGGER check_paths_updated AFTER UPDATE ON locations
  REFERENCING OLD TABLE AS old_places NEW TABLE AS new_places FOR EACH STATEMENT EXECUTE FUNCTION places_check_paths();

-- A scope names places that are there; who is confined to a place keeps it from being removed.
ALTER TABLE person_scopes ADD FOREIGN KEY (location_id) REFERENCES locations;

-- The places that both confinements allow (NULL is everywhere): of two subtrees, one within the other, the inner one.
CREATE OR REPLACE FUNCTION access_scope_meet(one bigint[], other bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN one IS NULL THEN other WHEN other IS NULL THEN one
    ELSE ARRAY(SELECT l.id FROM locations l
               WHERE (l.id = ANY (one) AND l.path && other) OR (l.id = ANY (other) AND l.path && one) ORDER BY 1) END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON locations TO perpetua_app;
GRANT USAGE ON SEQUENCE locations_id_seq TO perpetua_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
