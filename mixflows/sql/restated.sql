-- One row per day: of the touched copies that are in the source and published, how many have the same content on both sides.
-- Inputs: the source days and their published rows, only those of touched pairs, with their content.
WITH pairs AS (
  SELECT t.mf__pair FROM {{ touched }} AS t WHERE t.mf__more > 0 AND t.mf__fewer > 0
),
copies_of_both AS (
  SELECT
    {{ x.day('s') }} AS mf__day, {{ x.pair_hash('s', x.day('s')) }} AS mf__pair,
    {{ x.content_hash('s') }} AS content, 1 AS in_source, 0 AS is_published
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }} AND {{ x.pair_hash('s', x.day('s')) }} IN (SELECT p.mf__pair FROM pairs AS p)
  {% for table, t in [(events, 'e'), (rejected, 'r')] %}
  UNION ALL
  SELECT {{ t }}.partition_date, {{ x.pair_hash(t, t ~ '.partition_date') }}, {{ x.content_hash(t) }}, 0, 1
  FROM {{ table }} AS {{ t }}
  WHERE {{ x.published_in_days(t) }} AND {{ x.pair_hash(t, t ~ '.partition_date') }} IN (SELECT p.mf__pair FROM pairs AS p)
  {% endfor %}
),
per_content AS (
  SELECT c.mf__day, c.mf__pair, c.content, SUM(c.in_source) AS source_copies, SUM(c.is_published) AS published_copies
  FROM copies_of_both AS c
  GROUP BY c.mf__day, c.mf__pair, c.content
),
per_pair AS (
  SELECT
    p.mf__day, p.mf__pair, SUM(p.source_copies) AS source_copies, SUM(p.published_copies) AS published_copies,
    SUM(CASE WHEN p.source_copies < p.published_copies THEN p.source_copies ELSE p.published_copies END) AS equal_copies
  FROM per_content AS p
  GROUP BY p.mf__day, p.mf__pair
)
SELECT
  p.mf__day AS day,
  SUM(
    CASE WHEN p.source_copies < p.published_copies THEN p.source_copies ELSE p.published_copies END - p.equal_copies
  ) AS restated_copies
FROM per_pair AS p
GROUP BY p.mf__day
