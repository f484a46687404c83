-- One row per day, insert id and pair whose copies in the source are not those in the published tables: what is new, what is
-- left over, and how much of that is one copy too many of a copy that the source does have. Besides these, with zeros there,
-- one row per published event of such an insert id, by `mf__key`; and one per key that is published more than once.
-- Inputs: the source days and their published rows, on narrow columns only; with the flag `content`, on all of them. Copies are
-- compared as multisets of (key, time, arrival, version), by their hash.
{% set content = 'content' in flags %}
CREATE OR REPLACE TABLE {{ touched }} {{ stage_options }} AS
WITH hashed AS (
  SELECT {{ x.copy_hash('s', x.day('s'), content=content) }} AS mf__copy, 1 AS side
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }}
  {% for table, t in [(events, 'e'), (rejected, 'r')] %}
  UNION ALL
  SELECT {{ x.copy_hash(t, t ~ '.partition_date', content=content) }}, -1
  FROM {{ table }} AS {{ t }}
  WHERE {{ x.published_in_days(t) }}
  {% endfor %}
),
-- Hashes whose sum differs lie in buckets whose sums differ: only these are compared one by one. All 64 bits are summed, in halves
-- that cannot overflow, so that equal sums of different hashes are as rare as equal hashes of different copies.
buckets AS (
  SELECT h.mf__copy & 262143 AS bucket
  FROM hashed AS h
  GROUP BY bucket
  HAVING SUM(h.side) <> 0
    OR SUM(h.side * CAST(h.mf__copy >> 32 AS INT64)) <> 0
    OR SUM(h.side * CAST(h.mf__copy & 4294967295 AS INT64)) <> 0
),
copies_of_both AS (
  SELECT
    {{ x.copy_hash('s', x.day('s'), content=content) }} AS mf__copy,
    {{ x.day('s') }} AS mf__day,
    CASE WHEN {{ x.has_id('s') }} THEN {{ x.id_hash('s', x.day('s')) }} END AS mf__id,
    {{ x.pair_hash('s', x.day('s')) }} AS mf__pair,
    1 AS in_source,
    0 AS is_published
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }}
  {% for table, t in [(events, 'e'), (rejected, 'r')] %}
  UNION ALL
  SELECT
    {{ x.copy_hash(t, t ~ '.partition_date', content=content) }},
    {{ t }}.partition_date,
    CASE WHEN {{ x.has_id(t) }} THEN {{ x.id_hash(t, t ~ '.partition_date') }} END,
    {{ x.pair_hash(t, t ~ '.partition_date') }},
    0,
    1
  FROM {{ table }} AS {{ t }}
  WHERE {{ x.published_in_days(t) }}
  {% endfor %}
),
differing AS (
  SELECT
    ANY_VALUE(c.mf__day) AS mf__day, ANY_VALUE(c.mf__id) AS mf__id, ANY_VALUE(c.mf__pair) AS mf__pair,
    SUM(c.in_source) AS source_copies, SUM(c.is_published) AS published_copies
  FROM copies_of_both AS c
  WHERE c.mf__copy & 262143 IN (SELECT b.bucket FROM buckets AS b)
  GROUP BY c.mf__copy
  HAVING SUM(c.in_source) <> SUM(c.is_published)
),
twice AS (
  SELECT e.partition_date AS mf__day, {{ x.id_hash('e', 'e.partition_date') }} AS mf__id, COUNT(*) - 1 AS mf__twice
  FROM {{ events }} AS e
  WHERE {{ x.published_in_days('e') }} AND {{ x.has_id('e') }} AND {{ x.key_hash('e', 'e.partition_date') }} IN (
    {% include 'shared_keys' %}
  )
  GROUP BY e.partition_date, mf__id, {{ x.key('e') }}
  HAVING COUNT(*) > 1
)
SELECT
  d.mf__day, d.mf__id, d.mf__pair,
  SUM(CASE WHEN d.source_copies > d.published_copies THEN d.source_copies - d.published_copies ELSE 0 END) AS mf__more,
  SUM(CASE WHEN d.source_copies < d.published_copies THEN d.published_copies - d.source_copies ELSE 0 END) AS mf__fewer,
  SUM(
    CASE WHEN d.source_copies > 0 AND d.source_copies < d.published_copies THEN d.published_copies - d.source_copies ELSE 0 END
  ) AS mf__surplus,
  0 AS mf__twice, NULL AS mf__key, NULL AS mf__copy
FROM differing AS d
GROUP BY d.mf__day, d.mf__id, d.mf__pair
UNION ALL
SELECT
  e.partition_date, {{ x.id_hash('e', 'e.partition_date') }}, NULL, 0, 0, 0, 0,
  {{ x.key_hash('e', 'e.partition_date') }}, {{ x.copy_hash('e', 'e.partition_date', content=content) }}
FROM {{ events }} AS e
WHERE {{ x.published_in_days('e') }}
  AND {{ x.id_hash('e', 'e.partition_date') }} IN (SELECT d.mf__id FROM differing AS d WHERE d.mf__id IS NOT NULL)
UNION ALL
SELECT t.mf__day, t.mf__id, NULL, 0, 0, 0, t.mf__twice, NULL, NULL
FROM twice AS t
