-- A seal covers the rows with ids in (after_id, through_id], all final by the safe horizon. Its hash is over the hash of
-- the seal before and the digests of its rows, in order of id: a chain. `marks` holds, for each row, its id and the first
-- eight bytes of its digest, so that a changed, missing or added row can be named.
CREATE TABLE ledger_seals (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  after_id   bigint NOT NULL,
  through_id bigint NOT NULL UNIQUE,
  row_count  bigint NOT NULL CHECK (row_count >= 0),
  marks      bytea NOT NULL,
  previous   bytea NOT NULL,
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  sealed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (through_id > after_id)
);
ALTER TABLE ledger_seals ALTER COLUMN marks SET STORAGE EXTERNAL;  -- digests do not compress
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ledger_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Digests of rows that went to the archive: (id, digest), 40 bytes each. They keep the chain whole without the rows.
CREATE TABLE ledger_archived_digests (
  seal_id bigint NOT NULL REFERENCES ledger_seals,
  digests bytea NOT NULL,
  PRIMARY KEY (seal_id)
);

CREATE TABLE ledger_archives (
  month       date PRIMARY KEY,
  file        text NOT NULL,
  sha256      text NOT NULL,
  rows        bigint NOT NULL,
  first_id    bigint,
  last_id     bigint,
  first_at    timestamptz,
  last_at     timestamptz,
  archived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN ledger_archives.first_at IS 'earliest and latest effective_at in it';

-- What a row says, with what its posting says, as text that does not depend on settings: timezone and date style are
-- fixed by the functions that call it. Every column counts.
CREATE FUNCTION ledger_digests(after bigint, through bigint) RETURNS TABLE (row_id bigint, digest bytea)
LANGUAGE sql STABLE PARALLEL SAFE SET timezone = 'UTC' SET datestyle = 'ISO' SET extra_float_digits = 0 AS $$
  SELECT t.id, sha256(convert_to(ROW(
    t.id, t.posting_id, t.recorded_at, t.effective_at, t.variant_id, t.location_id, t.lot_id, t.serial_id, t.corrects_id,
    t.line_no, t.type, t.quantity, t.unit_cost, t.reason_code, t.reference_type, t.reference_id,
    p.id, p.recorded_at, p.effective_at, p.actor_id, p.approved_by, p.command, p.idempotency_key, p.reason_code,
    p.reference_type, p.reference_id, p.note)::text, 'UTF8'))
  FROM inventory_transactions t LEFT JOIN postings p ON p.id = t.posting_id
  WHERE t.id > after AND t.id <= through
$$;

-- Seals what has become final since the last seal, at most `most` rows; the number of rows sealed.
CREATE FUNCTION ledger_seal(most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE last ledger_seals; horizon bigint; upto bigint; n bigint; digests bytea; made bytea; before bytea;
BEGIN
  -- One at a time: a second sealer would branch the chain.
  PERFORM pg_advisory_xact_lock(7003);
  horizon := ledger_advance_horizon();
  SELECT * INTO last FROM ledger_seals ORDER BY id DESC LIMIT 1;
  before := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  SELECT max(id), count(*) INTO upto, n FROM (
    SELECT id FROM inventory_transactions WHERE id > coalesce(last.through_id, 0) AND id <= horizon ORDER BY id LIMIT most) x;
  IF n = 0 THEN
    RETURN 0;
  END IF;
  SELECT string_agg(d.digest, ''::bytea ORDER BY d.row_id),
         string_agg(int8send(d.row_id) || substring(d.digest FOR 8), ''::bytea ORDER BY d.row_id)
  INTO digests, made FROM ledger_digests(coalesce(last.through_id, 0), upto) d;
  INSERT INTO ledger_seals (after_id, through_id, row_count, marks, previous, hash)
  VALUES (coalesce(last.through_id, 0), upto, n, made, before, sha256(before || digests));
  RETURN n;
END $$;

CREATE FUNCTION ledger_archived(seal bigint) RETURNS TABLE (row_id bigint, digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT ('x' || encode(substring(a.digests FROM n * 40 + 1 FOR 8), 'hex'))::bit(64)::bigint,
         substring(a.digests FROM n * 40 + 9 FOR 32)
  FROM ledger_archived_digests a, generate_series(0, length(a.digests) / 40 - 1) n
  WHERE a.seal_id = seal
$$;

-- Whether the seals in a range still hold: each one's hash over its rows as they are now, and its link to the one before.
CREATE FUNCTION ledger_check_seals(first_seal bigint, last_seal bigint)
RETURNS TABLE (seal_id bigint, row_count bigint, whole boolean, linked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT s.id, s.row_count,
         s.hash = sha256(s.previous || coalesce((
           SELECT string_agg(d.digest, ''::bytea ORDER BY d.row_id) FROM (
             SELECT * FROM ledger_digests(s.after_id, s.through_id)
             UNION ALL
             SELECT * FROM ledger_archived(s.id)) d), ''::bytea)),
         s.previous = coalesce((SELECT b.hash FROM ledger_seals b WHERE b.id < s.id ORDER BY b.id DESC LIMIT 1),
                               decode(repeat('00', 32), 'hex'))
         AND s.after_id = coalesce((SELECT b.through_id FROM ledger_seals b WHERE b.id < s.id ORDER BY b.id DESC LIMIT 1), 0)
  FROM ledger_seals s WHERE s.id BETWEEN first_seal AND last_seal ORDER BY s.id
$$;

-- Names the rows of a broken seal: changed, missing or added since.
CREATE FUNCTION ledger_broken_rows(seal bigint) RETURNS TABLE (row_id bigint, what text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH marked AS (
    SELECT ('x' || encode(substring(s.marks FROM n * 16 + 1 FOR 8), 'hex'))::bit(64)::bigint AS row_id,
           substring(s.marks FROM n * 16 + 9 FOR 8) AS mark
    FROM ledger_seals s, generate_series(0, length(s.marks) / 16 - 1) n WHERE s.id = seal
  ), there AS (
    SELECT d.row_id, substring(d.digest FOR 8) AS mark
    FROM ledger_seals s, LATERAL (
      SELECT * FROM ledger_digests(s.after_id, s.through_id) UNION ALL SELECT * FROM ledger_archived(s.id)) d
    WHERE s.id = seal
  )
  SELECT coalesce(m.row_id, t.row_id),
         CASE WHEN t.row_id IS NULL THEN 'missing' WHEN m.row_id IS NULL THEN 'added' ELSE 'changed' END
  FROM marked m FULL JOIN there t USING (row_id)
  WHERE m.mark IS DISTINCT FROM t.mark
  ORDER BY 1
$$;
ALTER FUNCTION ledger_check_seals SET timezone = 'UTC';

CREATE TABLE integrity_checks (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started_at  timestamptz NOT NULL,
  finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  passed      boolean NOT NULL,
  rows        bigint NOT NULL,
  head        text,
  findings    jsonb NOT NULL,
  run_by      bigint NOT NULL REFERENCES people
);
COMMENT ON COLUMN integrity_checks.head IS 'hash of the last seal, to be noted outside of this database';

GRANT SELECT ON ledger_seals, ledger_archives, ledger_archived_digests TO perpetua_app;
GRANT SELECT, INSERT ON integrity_checks TO perpetua_app;
REVOKE ALL ON FUNCTION ledger_seal, ledger_check_seals, ledger_broken_rows, ledger_archived FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_seal, ledger_check_seals, ledger_broken_rows, ledger_archived TO perpetua_app;
