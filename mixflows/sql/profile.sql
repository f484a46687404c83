-- One row per part of the day's profile and item in it (see profile.Profile), at most a few hundred.
-- Inputs: the staged day's narrow columns, each read once, and its copies. The meaning of a, b and c is the part's own:
--   lateness  item: 24 hours after the day's start that a copy arrived; a: copies
--   lag       item: quarters of an hour from event to arrival, within 26 hours; a: copies
--   hour      item: hour of the day; a: copies, b: duplicates, c: duplicates whose content differs from their winner's
--   event     item: event name; a, b, c: likewise
--   origin    item: a property's name, =, and its value; b, c: likewise
--   key       item: event name; a, b, c: copies that the keys insert_id_time, mixpanel and mixpanel_day would reject
--   column    item: column; a: rows without value, b: rows with a size, c: sum of the sizes' decimal logarithms, in thousandths
--   last      a: milliseconds from the day's start to the latest event time
{% set rows = source ~ ' AS s WHERE ' ~ x.in_day('s') if stage_kind == 'VIEW' else stage ~ ' AS s WHERE TRUE' %}
{% set quarter = 900000 %}
WITH per_copy AS (
  SELECT
    COUNT(*) AS source_rows,
    MAX(CASE WHEN {{ x.is_valid('s') }} AND {{ x.in_bounds('s') }} THEN {{ x.time_ms('s') }} END) - @day_start_ms AS last_ms
    {% for column in profiled %}
    , COALESCE(SUM(CASE WHEN {{ x.is_missing('s', column) }} THEN 1 ELSE 0 END), 0) AS missing_{{ loop.index }}
    , {{ x.sized_rows('s', column) }} AS sized_{{ loop.index }}
    , {{ x.sum_of_sizes('s', column) }} AS sizes_{{ loop.index }}
    {% endfor %}
  FROM {{ rows }}
),
duplicates AS (
  SELECT
    c.{{ quote(shape.event_name) }} AS event_name,
    CASE WHEN {{ x.in_bounds('c') }} THEN DIV(({{ x.time_ms('c') }} - @day_start_ms), 3600000) END AS hour,
    {% for name in origins %}
    {{ x.origin('c', name) }} AS origin_{{ loop.index }},
    {% endfor %}
    CASE WHEN c.is_exact_copy THEN 0 ELSE 1 END AS conflicting
  FROM {{ copies }} AS c
  WHERE c.row_num > 1
),
-- Every key has the insert id in it: only rows whose insert id occurs twice are kept by one key and rejected by another.
-- Over a view of a million rows a group of hashes takes two thirds of the time of one of ids. Ids that share a hash come along,
-- and are ranked apart below.
{% set id = 's.' ~ quote(shape.insert_id) %}
{% set grouped = 'HASH(' ~ id ~ ')' if stage_kind == 'VIEW' else id %}
repeated AS (
  SELECT
    s.{{ quote(shape.event_name) }} AS event_name, s.{{ quote(shape.distinct_id) }} AS distinct_id,
    s.{{ quote(shape.insert_id) }} AS insert_id, s.{{ quote(shape.time) }} AS event_time, {{ x.arrival('s') }} AS arrival
  FROM {{ rows }} AND {{ x.is_valid('s') }} AND {{ x.has_id('s') }}
    AND {{ grouped }} IN (
      SELECT {{ grouped }} FROM {{ rows }} AND {{ x.is_valid('s') }} AND {{ x.has_id('s') }}
      GROUP BY {{ grouped }}
      HAVING COUNT(*) > 1
    )
),
{% set order = 'r.arrival IS NULL, r.arrival' ~ (' DESC' if pipeline.keep == 'latest' else '') ~ ', r.event_name' %}
ranked AS (
  SELECT
    r.event_name,
    ROW_NUMBER() OVER (PARTITION BY r.insert_id, r.event_time ORDER BY {{ order }}) AS by_id_time,
    ROW_NUMBER() OVER (
      PARTITION BY r.event_name, r.distinct_id, r.insert_id, r.event_time ORDER BY {{ order }}
    ) AS by_mixpanel,
    ROW_NUMBER() OVER (PARTITION BY r.event_name, r.distinct_id, r.insert_id ORDER BY {{ order }}) AS by_mixpanel_day
  FROM repeated AS r
)
SELECT 'rows' AS part, '' AS item, p.source_rows AS a, 0 AS b, 0 AS c FROM per_copy AS p
UNION ALL
SELECT 'last', '', p.last_ms, 0, 0 FROM per_copy AS p WHERE p.last_ms IS NOT NULL
{% for column in profiled %}
UNION ALL
SELECT 'column', '{{ column.name }}', p.missing_{{ loop.index }}, p.sized_{{ loop.index }}, p.sizes_{{ loop.index }}
FROM per_copy AS p
{% endfor %}
UNION ALL
SELECT 'lateness', CAST(l.days AS STRING), COUNT(*), 0, 0
FROM (SELECT DIV(({{ x.arrival_ms('s') }} - @day_start_ms), 86400000) AS days FROM {{ rows }}) AS l
WHERE l.days IS NOT NULL
GROUP BY l.days
UNION ALL
SELECT 'lag', CAST(g.quarters - 104 AS STRING), COUNT(*), 0, 0
FROM (
  SELECT DIV(({{ x.arrival_ms('s') }} - {{ x.time_ms('s') }} + 104 * {{ quarter }}), {{ quarter }}) AS quarters
  FROM {{ rows }} AND {{ x.in_bounds('s') }}
    AND {{ x.arrival_ms('s') }} - {{ x.time_ms('s') }} + 104 * {{ quarter }} >= 0
) AS g
WHERE g.quarters < 208
GROUP BY g.quarters
UNION ALL
SELECT 'hour', CAST(h.hour AS STRING), COUNT(*), 0, 0
FROM (SELECT DIV(({{ x.time_ms('s') }} - @day_start_ms), 3600000) AS hour FROM {{ rows }} AND {{ x.in_bounds('s') }}) AS h
GROUP BY h.hour
UNION ALL
SELECT 'hour', CAST(d.hour AS STRING), 0, COUNT(*), SUM(d.conflicting) FROM duplicates AS d
WHERE d.hour IS NOT NULL
GROUP BY d.hour
UNION ALL
SELECT 'event', COALESCE(s.{{ quote(shape.event_name) }}, ''), COUNT(*), 0, 0
FROM {{ rows }}
GROUP BY s.{{ quote(shape.event_name) }}
UNION ALL
SELECT 'event', COALESCE(d.event_name, ''), 0, COUNT(*), SUM(d.conflicting) FROM duplicates AS d GROUP BY d.event_name
{% for name in origins %}
UNION ALL
SELECT 'origin', CONCAT('{{ name }}=', COALESCE(d.origin_{{ loop.index }}, '')), 0, COUNT(*), SUM(d.conflicting)
FROM duplicates AS d
GROUP BY d.origin_{{ loop.index }}
{% endfor %}
UNION ALL
SELECT
  'key', COALESCE(k.event_name, ''),
  SUM(CASE WHEN k.by_id_time > 1 THEN 1 ELSE 0 END),
  SUM(CASE WHEN k.by_mixpanel > 1 THEN 1 ELSE 0 END),
  SUM(CASE WHEN k.by_mixpanel_day > 1 THEN 1 ELSE 0 END)
FROM ranked AS k
GROUP BY k.event_name
