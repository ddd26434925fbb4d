"""People, their rights and credentials, and the audit trail."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PEOPLE = """
CREATE TABLE people (
  id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email                text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  name                 text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  role                 text NOT NULL CHECK (role IN
    ('administrator', 'inventory_manager', 'warehouse_staff', 'purchasing_staff', 'viewer')),
  active               boolean NOT NULL DEFAULT true,
  everywhere           boolean NOT NULL DEFAULT true,
  password_hash        text,
  password_changed_at  timestamptz,
  password_once_until  timestamptz,
  version              integer NOT NULL DEFAULT 1,
  created_at           timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX people_email ON people (lower(email));
CREATE INDEX people_name ON people (lower(name), id);
COMMENT ON COLUMN people.everywhere IS
  'true: not confined; false: confined to person_scopes, and to nothing where that is empty';
COMMENT ON COLUMN people.password_once_until IS
  'set: the password was given out by an administrator, is good once until then, and must be changed';

INSERT INTO people (id, email, name, role, active) OVERRIDING SYSTEM VALUE
VALUES (0, 'system@perpetua.invalid', 'Perpetua', 'administrator', false);
COMMENT ON TABLE people IS 'id 0 is the system itself: it acts, and can never sign in';

CREATE TABLE person_scopes (
  person_id    bigint NOT NULL REFERENCES people,
  location_id  bigint NOT NULL,
  PRIMARY KEY (person_id, location_id)
);
CREATE INDEX person_scopes_location ON person_scopes (location_id);

-- The places that both confinements allow (NULL is everywhere). Where places are a tree, its migration replaces this
-- with one that knows the subtrees; until then only the same place is in both.
CREATE FUNCTION access_scope_meet(one bigint[], other bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN one IS NULL THEN other WHEN other IS NULL THEN one
    ELSE ARRAY(SELECT unnest(one) INTERSECT SELECT unnest(other) ORDER BY 1) END
$$;

CREATE FUNCTION access_scope_of(person bigint, everywhere boolean) RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN NOT everywhere
    THEN ARRAY(SELECT location_id FROM person_scopes WHERE person_id = person ORDER BY location_id) END
$$;

GRANT SELECT, INSERT, UPDATE ON people TO perpetua_app;
GRANT SELECT, INSERT, DELETE ON person_scopes TO perpetua_app;
"""

CREDENTIALS = """
CREATE TABLE sessions (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id     bigint NOT NULL REFERENCES people,
  token_hash    bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  created_at    timestamptz NOT NULL DEFAULT now(),
  last_seen_at  timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  address       text,
  user_agent    text
);
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE api_tokens (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id     bigint NOT NULL REFERENCES people,
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  hint          text NOT NULL,
  token_hash    bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  permissions   text[] NOT NULL,
  scope         bigint[],
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  revoked_at    timestamptz,
  last_used_at  timestamptz
);
CREATE INDEX api_tokens_person ON api_tokens (person_id);
COMMENT ON COLUMN api_tokens.hint IS 'the first characters, to tell tokens apart';
COMMENT ON COLUMN api_tokens.scope IS 'NULL: wherever the owner may act';

CREATE TABLE second_factors (
  person_id     bigint PRIMARY KEY REFERENCES people,
  secret        bytea NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  confirmed_at  timestamptz,
  last_step     bigint NOT NULL DEFAULT 0
);
COMMENT ON COLUMN second_factors.secret IS 'encrypted (AES-GCM) under a key that is not in the database';
COMMENT ON COLUMN second_factors.last_step IS
  'the newest time step a code was taken for: none at or before it is taken';

CREATE TABLE recovery_codes (
  person_id  bigint NOT NULL REFERENCES people,
  code_hash  bytea NOT NULL CHECK (length(code_hash) = 32),
  used_at    timestamptz,
  PRIMARY KEY (person_id, code_hash)
);

CREATE TABLE sign_in_attempts (
  key        bytea PRIMARY KEY CHECK (length(key) = 32),
  failures   integer NOT NULL,
  until      timestamptz NOT NULL
);
COMMENT ON TABLE sign_in_attempts IS
  'one row an account or address tried lately (hashed); counted before the password is looked at, by every process';

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, second_factors, recovery_codes, sign_in_attempts TO perpetua_app;
GRANT SELECT, INSERT, UPDATE ON api_tokens TO perpetua_app;

-- Each request asks one of these two. As functions, because their plans are then made once for a connection, for
-- whatever number is asked for: planning took ten times as long as the look-up.

-- Who sessions speak for, by the hashes of their tokens or, beneath JWTs, by their ids; notes once a minute that they
-- were seen.
CREATE FUNCTION access_actors_of_sessions(hashes bytea[], ids bigint[], idle interval)
RETURNS TABLE (person_id bigint, name text, role text, scope bigint[], session_id bigint, token_id bigint,
               permissions text[], hash bytea)
LANGUAGE plpgsql SET search_path = public SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH found AS (
    SELECT s.id, s.token_hash, s.person_id, s.last_seen_at FROM sessions s
    WHERE (s.token_hash = ANY (hashes) OR s.id = ANY (ids)) AND s.expires_at > now() AND s.last_seen_at > now() - idle
  ), seen AS (
    UPDATE sessions SET last_seen_at = now() FROM found
    WHERE sessions.id = found.id AND found.last_seen_at < now() - interval '1 minute'
  )
  SELECT p.id, p.name, p.role, access_scope_of(p.id, p.everywhere), found.id, NULL::bigint, NULL::text[],
         found.token_hash
  FROM found JOIN people p ON p.id = found.person_id
  WHERE p.active;
END $$;

-- Who API tokens speak for: their owners, confined to where both the owner and the token may act.
CREATE FUNCTION access_actors_of_tokens(hashes bytea[], ids bigint[])
RETURNS TABLE (person_id bigint, name text, role text, scope bigint[], session_id bigint, token_id bigint,
               permissions text[], hash bytea)
LANGUAGE plpgsql SET search_path = public SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH found AS (
    SELECT t.id, t.token_hash, t.person_id, t.permissions, t.scope, t.last_used_at FROM api_tokens t
    WHERE (t.token_hash = ANY (hashes) OR t.id = ANY (ids)) AND t.expires_at > now() AND t.revoked_at IS NULL
  ), used AS (
    UPDATE api_tokens SET last_used_at = now() FROM found
    WHERE api_tokens.id = found.id
      AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
  )
  SELECT p.id, p.name, p.role, access_scope_meet(access_scope_of(p.id, p.everywhere), found.scope), NULL::bigint,
         found.id, found.permissions, found.token_hash
  FROM found JOIN people p ON p.id = found.person_id
  WHERE p.active;
END $$;
"""

AUDIT = """
CREATE TABLE audit_log (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at          timestamptz NOT NULL DEFAULT now(),
  actor_id    bigint NOT NULL REFERENCES people,
  via         text NOT NULL,
  kind        text NOT NULL,
  subject_id  text NOT NULL,
  action      text NOT NULL,
  before      jsonb,
  after       jsonb,
  costs       text[] NOT NULL DEFAULT '{}',
  path        bigint[],
  request_id  text
);
CREATE INDEX audit_log_subject ON audit_log (kind, subject_id, id);
CREATE INDEX audit_log_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_at ON audit_log (at);
COMMENT ON COLUMN audit_log.costs IS 'fields of before and after that only readers with costs.read are shown';
COMMENT ON COLUMN audit_log.path IS 'where the subject lies (site first); NULL where it lies nowhere in particular';

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

GRANT SELECT, INSERT ON audit_log TO perpetua_app;
"""


def upgrade() -> None:
    op.execute(PEOPLE)
    op.execute(CREDENTIALS)
    op.execute(AUDIT)
