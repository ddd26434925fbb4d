-- name: search_words
-- What each asked word may mean: itself, what it begins (the last one), what shares a deletion, joined, split.
WITH asked AS MATERIALIZED (
  SELECT word, row_number() OVER (ORDER BY n)::int AS n, lead(word) OVER (ORDER BY n) AS following
  FROM (SELECT left(word, 100) AS word, min(n) AS n
        FROM unnest(search_words_of(search_plain(%(q)s::text))) WITH ORDINALITY AS split (word, n)
        GROUP BY 1 ORDER BY 2 LIMIT %(words)s::int) once
)
SELECT a.n, a.word AS asked, 'asked' AS how, a.word, 0 AS documents FROM asked a
UNION ALL
SELECT a.n, a.word, 'exact', w.word, w.documents
FROM asked a JOIN search_words w ON w.word = a.word COLLATE "C"
UNION ALL
SELECT a.n, a.word, 'joined', w.word, w.documents
FROM asked a JOIN search_words w ON w.word = a.word || a.following COLLATE "C"
UNION ALL
SELECT a.n, a.word, 'prefix', w.word, w.documents
FROM asked a CROSS JOIN LATERAL (
  SELECT word, documents FROM search_words
  WHERE word > a.word COLLATE "C" AND word < a.word || chr(1114111) COLLATE "C"
  ORDER BY documents DESC, word LIMIT 40) w
WHERE a.following IS NULL
UNION ALL
SELECT a.n, a.word, 'near', w.word, w.documents
FROM asked a JOIN search_words w ON w.deletes && search_deletes_of(a.word)
WHERE length(a.word) BETWEEN 3 AND 40 AND w.word <> a.word
  AND abs(length(w.word) - length(a.word)) <= 1
UNION ALL
SELECT a.n, a.word, 'split', w.word, w.documents
FROM asked a CROSS JOIN generate_series(2, length(a.word) - 2) place
JOIN search_words w ON w.word IN (left(a.word, place) COLLATE "C", substr(a.word, place + 1) COLLATE "C")
WHERE length(a.word) BETWEEN 5 AND 40 AND a.word !~ '[0-9]'
  AND NOT EXISTS (SELECT FROM search_words known WHERE known.word = a.word COLLATE "C");

-- name: search_documents
SELECT variant_id, active, name_words, tsvector_to_array(document) AS words
FROM (SELECT * FROM search_documents
      WHERE document @@ %(query)s::text::tsquery
        AND (%(owner)s::bigint IS NULL OR owner_id = %(owner)s::bigint)
        AND (%(active)s::boolean IS NULL OR active = %(active)s::boolean)
        AND (%(category)s::bigint IS NULL OR category_id IN
             (SELECT id FROM categories WHERE path @> ARRAY[%(category)s::bigint]))
      LIMIT 3000) drawn
ORDER BY drawn.active DESC, cardinality(name_words), variant_id DESC
LIMIT %(limit)s::int;

-- name: search_codes
-- Variants by SKU or barcode: those equal to a key, and those that begin with `prefix` ('' is none).
(SELECT id AS variant_id, 'sku' AS field, search_code_of(sku) AS code FROM product_variants
 WHERE search_code_of(sku) COLLATE "C" = ANY(%(keys)s::text[]) LIMIT 100)
UNION ALL
(SELECT variant_id, 'barcode', search_code_of(code) FROM barcodes
 WHERE search_code_of(code) COLLATE "C" = ANY(%(keys)s::text[]) LIMIT 100)
UNION ALL
(SELECT id, 'sku', search_code_of(sku) FROM product_variants
 WHERE %(prefix)s::text <> '' AND search_code_of(sku) COLLATE "C" > %(prefix)s::text
   AND search_code_of(sku) COLLATE "C" < %(prefix)s::text || chr(1114111)
 ORDER BY search_code_of(sku) COLLATE "C" LIMIT %(limit)s::int)
UNION ALL
(SELECT variant_id, 'barcode', search_code_of(code) FROM barcodes
 WHERE %(prefix)s::text <> '' AND search_code_of(code) COLLATE "C" > %(prefix)s::text
   AND search_code_of(code) COLLATE "C" < %(prefix)s::text || chr(1114111)
 ORDER BY search_code_of(code) COLLATE "C" LIMIT %(limit)s::int);

-- name: search_shown
SELECT v.id AS variant_id, v.product_id, v.sku, v.name, d.active
FROM search_documents d JOIN product_variants v ON v.id = d.variant_id
WHERE d.variant_id = ANY(%(ids)s::bigint[])
  AND (%(owner)s::bigint IS NULL OR d.owner_id = %(owner)s::bigint)
  AND (%(active)s::boolean IS NULL OR d.active = %(active)s::boolean)
  AND (%(category)s::bigint IS NULL OR d.category_id IN
       (SELECT id FROM categories WHERE path @> ARRAY[%(category)s::bigint]));

-- name: refresh_search_words
-- run as the owner
-- Rows that are right stay; the others are replaced, so that doubles and forgotten words go.
WITH counted AS MATERIALIZED (
  SELECT word COLLATE "C" AS word, ndoc AS documents
  FROM ts_stat('SELECT document FROM search_documents')
  WHERE length(word) BETWEEN 2 AND 40 AND word !~ '^[0-9]{6,}$'
), kept AS MATERIALIZED (
  SELECT DISTINCT ON (known.word) known.word, known.ctid AS place
  FROM search_words known JOIN counted c USING (word, documents)
  ORDER BY known.word, known.ctid
), dropped AS (
  DELETE FROM search_words known USING (
    SELECT ctid AS place FROM search_words EXCEPT SELECT place FROM kept) stale
  WHERE known.ctid = stale.place
)
INSERT INTO search_words (word, documents, deletes)
SELECT word, documents, search_deletes_of(word)
FROM counted WHERE NOT EXISTS (SELECT FROM kept WHERE kept.word = counted.word)
