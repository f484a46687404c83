-- One row per published row that the source no longer has, with the number of its copies that stay: under the policy `keep`, what a
-- pair is short of. Inputs: the touched ids; these pairs in the source days and in the published tables.
-- Contents that the source has are not gone, however they were landed; contents that it has anew took the place of as many others.
-- Ties: the newest copies stay.
WITH vanished AS (
  -- But for damage.
  SELECT t.mf__pair, t.mf__fewer - t.mf__more - CASE WHEN d.mf__repairs_surplus THEN t.mf__surplus ELSE 0 END AS gone_copies
  FROM {{ touched }} AS t
  JOIN {{ days }} AS d ON d.mf__day = t.mf__day
  WHERE t.mf__fewer - t.mf__more > CASE WHEN d.mf__repairs_surplus THEN t.mf__surplus ELSE 0 END
),
of_both AS (
  {% for table, t, day, is_live in [(source, 's', x.day('s'), 1), (events, 'e', 'e.partition_date', 0), (rejected, 'r', 'r.partition_date', 0)] %}
  {{ 'UNION ALL' if not loop.first }}
  SELECT {{ x.columns(t) }}, {{ day }} AS mf__day, {{ x.pair_hash(t, day) }} AS mf__pair, {{ is_live }} AS is_live
  FROM {{ table }} AS {{ t }}{{ as_of if is_live }}
  WHERE {{ x.in_days(t) if is_live else x.published_in_days(t) }}
    AND {{ x.pair_hash(t, day) }} IN (SELECT v.mf__pair FROM vanished AS v)
  {% endfor %}
),
described AS (
  SELECT
    b.*,
    {{ x.lasting_hash('b') }} AS mf__content, {{ x.stored_hash('b', 'b.mf__day') }} AS mf__stored,
    {{ x.arrival_us('b') }} AS mf__arrival_us, {{ x.version_us('b') }} AS mf__version_us
  FROM of_both AS b
),
{% set narrow = 'd.mf__pair, d.mf__content, d.mf__stored, d.mf__arrival_us, d.mf__version_us' %}
{% macro newest_first(t) -%}
{{ t }}.mf__arrival_us DESC, {{ t }}.mf__version_us DESC, {{ t }}.mf__content, {{ t }}.mf__stored
{%- endmacro %}
counted AS (
  SELECT {{ narrow }}, SUM(1 - d.is_live) AS published, SUM(d.is_live) AS live FROM described AS d GROUP BY {{ narrow }}
),
-- How many the source lacks: of the row as it is stored, and of its content.
lacking AS (
  SELECT
    c.*,
    GREATEST(c.published - c.live, 0) AS of_row,
    SUM(c.published - c.live) OVER (PARTITION BY c.mf__pair, c.mf__content) AS of_content
  FROM counted AS c
),
lacking_of_content AS (
  SELECT
    l.*,
    LEAST(l.of_row, GREATEST(l.of_content + l.of_row - SUM(l.of_row) OVER (
      PARTITION BY l.mf__pair, l.mf__content ORDER BY {{ newest_first('l') }}
    ), 0)) AS gone
  FROM lacking AS l
),
lacking_of_pair AS (
  SELECT
    l.mf__content, l.mf__stored,
    LEAST(l.gone, v.gone_copies + l.gone - SUM(l.gone) OVER (PARTITION BY l.mf__pair ORDER BY {{ newest_first('l') }})) AS copies
  FROM lacking_of_content AS l
  JOIN vanished AS v ON v.mf__pair = l.mf__pair
)
SELECT mf__row.*, k.mf__copies
FROM (
  SELECT ANY_VALUE(mf__d) AS mf__row, CAST(ANY_VALUE(l.copies) AS INT64) AS mf__copies
  FROM described AS mf__d
  JOIN lacking_of_pair AS l ON l.mf__content = mf__d.mf__content AND l.mf__stored = mf__d.mf__stored
  WHERE l.copies > 0
  GROUP BY mf__d.mf__content, mf__d.mf__stored
) AS k
