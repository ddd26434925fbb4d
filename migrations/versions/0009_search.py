"""Typo-tolerant search: a document a variant, a vocabulary, and the triggers that keep them."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FUNCTIONS = r"""
CREATE FUNCTION search_plain(given text) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT lower(unaccent(given))
$$;
COMMENT ON FUNCTION search_plain IS 'lower case, without accents (ё is е)';

CREATE FUNCTION search_words_of(plain text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_remove(regexp_split_to_array(plain, '[^[:alnum:]]+'), '')
$$;
COMMENT ON FUNCTION search_words_of IS 'the words of a plain text in their order';

CREATE FUNCTION search_parts_of(plain text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN plain ~ '[0-9][[:alpha:]]|[[:alpha:]][0-9]' THEN array_remove(
    regexp_split_to_array(plain, '[^[:alpha:]]+') || regexp_split_to_array(plain, '[^0-9]+'), '') ELSE '{}' END
$$;
COMMENT ON FUNCTION search_parts_of IS 'runs of letters and of digits, where words have both: 500ml is found by 500 ml';

CREATE FUNCTION search_deletes_of(word text) RETURNS int[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN length(word) < 3 OR word ~ '^[0-9]{1,3}$' THEN '{}'::int[] ELSE
    ARRAY(SELECT hashtext(left(word, i) || substr(word, i + 2)) FROM generate_series(0, length(word)) i) END
$$;
COMMENT ON FUNCTION search_deletes_of IS
  'hashes of the word and of what is left when one letter goes: two words one typo apart share at least one';

CREATE FUNCTION search_code_of(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT ltrim(upper(regexp_replace(given, '[^[:alnum:]]+', '', 'g')), '0')
$$;
COMMENT ON FUNCTION search_code_of IS 'a SKU or barcode by its letters and digits alone, without leading zeros';
"""

TABLES = """
CREATE TABLE search_documents (
  variant_id  bigint PRIMARY KEY,
  product_id  bigint NOT NULL,
  owner_id    bigint NOT NULL,
  category_id bigint,
  active      boolean NOT NULL,
  name_words  text[] NOT NULL,
  document    tsvector NOT NULL
) WITH (fillfactor = 90, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX search_documents_document ON search_documents USING gin (document) WITH (gin_pending_list_limit = 512);
COMMENT ON TABLE search_documents IS 'what a variant is found by; kept by triggers on products and product_variants';
COMMENT ON COLUMN search_documents.name_words IS 'words of the name in their order, whole';
COMMENT ON COLUMN search_documents.document IS 'all words: of name, SKU and attributes, whole and in parts';

CREATE TABLE search_words (
  word      text COLLATE "C" NOT NULL,
  documents int NOT NULL,
  deletes   int[] NOT NULL
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX search_words_word ON search_words (word);
CREATE INDEX search_words_deletes ON search_words USING gin (deletes) WITH (gin_pending_list_limit = 512);
COMMENT ON TABLE search_words IS 'the vocabulary; a word may be here twice, when two writers brought it at once';
COMMENT ON COLUMN search_words.documents IS 'how many documents hold it, as last counted';

CREATE INDEX product_variants_search_code ON product_variants (search_code_of(sku) COLLATE "C");
CREATE INDEX barcodes_search_code ON barcodes (search_code_of(code) COLLATE "C");

GRANT SELECT ON search_documents, search_words TO perpetua_app;
"""

# Look-ups by index only: a trigger's plan is kept for the session. One made while the tables were empty would compare
# each word with each word ever after; one made for a bulk import would read whole tables for each single item.


def _trigger(name: str, source: str, event: str, transition: str, body: str) -> str:
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
  {body}
  RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER {event} ON {source} REFERENCING {transition}
FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


# Words have no unique index: a writer never waits for another's.
def _write(rows: str) -> str:
    """Builds the documents of the variants in `rows` (variants v with their products p), and learns their words."""
    return rf"""
  WITH texts AS MATERIALIZED (
    SELECT v.id, p.id AS product_id, p.owner_id, p.category_id, v.active AND p.active AS active,
           search_plain(CASE WHEN v.name = p.name THEN v.name ELSE v.name || ' ' || p.name END) AS name,
           search_plain(v.sku || CASE WHEN v.attributes = '{{}}' AND p.attributes = '{{}}' THEN '' ELSE
             (SELECT left(string_agg(' ' || value, ''), 4000) FROM
               (SELECT value FROM jsonb_each_text(p.attributes) UNION ALL
                SELECT value FROM jsonb_each_text(v.attributes)) a) END) AS rest
    FROM {rows}
  ), built AS (
    INSERT INTO search_documents AS d
      (variant_id, product_id, owner_id, category_id, active, name_words, document)
    SELECT id, product_id, owner_id, category_id, active, named, array_to_tsvector(
      CASE WHEN octet_length(rest) < 1000 THEN every ELSE ARRAY(SELECT left(word, 100) FROM unnest(every) word) END)
    FROM texts, LATERAL (SELECT search_words_of(name) AS named OFFSET 0) n,
      LATERAL (SELECT named || search_words_of(rest) || search_parts_of(name || ' ' || rest) AS every OFFSET 0) e
    ON CONFLICT (variant_id) DO UPDATE SET
      product_id = EXCLUDED.product_id, owner_id = EXCLUDED.owner_id, category_id = EXCLUDED.category_id,
      active = EXCLUDED.active, name_words = EXCLUDED.name_words, document = EXCLUDED.document
    RETURNING d.document
  ), counted AS MATERIALIZED (
    SELECT word, count(*) AS documents
    FROM built, unnest(tsvector_to_array(built.document)) word
    GROUP BY word
  )
  INSERT INTO search_words (word, documents, deletes)
  SELECT word, documents, CASE WHEN length(word) < 3 OR word ~ '^[0-9]{{1,3}}$' THEN '{{}}' ELSE
    ARRAY(SELECT hashtext(left(word, i) || substr(word, i + 2)) FROM generate_series(0, length(word)) i) END
  FROM counted
  WHERE length(word) BETWEEN 2 AND 40 AND word !~ '^[0-9]{{6,}}$'
    AND NOT EXISTS (SELECT FROM search_words known WHERE known.word = counted.word COLLATE "C");"""


VARIANT_CHANGED = """
  (o.sku, o.name, o.attributes, o.product_id, o.active)
  IS DISTINCT FROM (v.sku, v.name, v.attributes, v.product_id, v.active)
"""
PRODUCT_CHANGED = """
  (o.name, o.attributes, o.owner_id, o.category_id, o.active)
  IS DISTINCT FROM (p.name, p.attributes, p.owner_id, p.category_id, p.active)
"""

INSERTED = _trigger(
    "search_variants_inserted", "product_variants", "INSERT", "NEW TABLE AS new_rows",
    _write("new_rows v JOIN products p ON p.id = v.product_id"),
)  # fmt: skip
UPDATED = _trigger(
    "search_variants_updated", "product_variants", "UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    f"IF EXISTS (SELECT FROM old_rows o, new_rows v WHERE o.id = v.id AND {VARIANT_CHANGED}) THEN"
    + _write(
        "new_rows v JOIN old_rows o ON o.id = v.id JOIN products p ON p.id = v.product_id WHERE" + VARIANT_CHANGED
    )
    + " END IF;",
)  # fmt: skip
DELETED = _trigger(
    "search_variants_deleted", "product_variants", "DELETE", "OLD TABLE AS old_rows",
    "DELETE FROM search_documents d USING old_rows o WHERE d.variant_id = o.id;",
)  # fmt: skip
PRODUCTS_UPDATED = _trigger(
    "search_products_updated", "products", "UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    _write(
        "new_rows p JOIN old_rows o ON o.id = p.id JOIN product_variants v ON v.product_id = p.id WHERE"
        + PRODUCT_CHANGED
    ),
)  # fmt: skip


def upgrade() -> None:
    for statements in (FUNCTIONS, TABLES, INSERTED, UPDATED, DELETED, PRODUCTS_UPDATED):
        op.execute(statements)
