-- One row per day, part of its profile and item in it (see profile.Profile), at most a few hundred a day; and its figures.
-- Inputs: the staged days, the source days' narrow columns and their copies. One statement, since a column is billed once in it,
-- and the stage may be a view of the source. The meaning of a, b and c is the part's own:
--   figure    item: the figure's name (see model.Figures); a: its value
--   rows      a: copies
--   lateness  item: 24 hours after the day's start that a copy arrived; a: copies
--   lag       item: quarters of an hour from event to arrival, within 26 hours; a: copies
--   hour      item: hour of the day; a: copies, b: duplicates, c: duplicates whose content differs from their winner's
--   event     item: event name; a, b, c: likewise
--   origin    item: a property's name, =, and its value; b, c: likewise
--   key       item: event name; a, b, c: copies that the keys insert_id_time, mixpanel and mixpanel_day would reject
--   reason    item: why a copy is rejected; a: rejected copies
--   column    item: column; a: rows without value, b: rows with a size, c: sum of the sizes' decimal logarithms, in thousandths
--   last      a: milliseconds from the day's start to the latest event time
{% set hour_us, day_us, quarter_us = 3600000000, 86400000000, 900000000 %}
WITH figures AS (
  {% include 'figures' %}
),
measured AS (
  SELECT
    {{ x.day('s') }} AS mf__day,
    {{ x.event_name('s') }} AS event_name,
    {{ x.time_us('s') }} AS time_us,
    {{ x.arrival_us('s') }} AS arrival_us,
    {{ x.is_valid('s') }} AS is_valid
    {% for column in profiled %}
    , {{ x.is_missing('s', column) }} AS missing_{{ loop.index }}
    , {{ x.has_size('s', column) }} AS has_size_{{ loop.index }}
    , {{ x.size('s', column) }} AS size_{{ loop.index }}
    {% endfor %}
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }}{{ ' AND s.gone_since IS NULL' if columns.marks_gone }}
),
placed AS (
  SELECT
    m.*,
    DIV(m.time_us - d.mf__start_us, {{ hour_us }}) AS hour,
    DIV(m.arrival_us - d.mf__start_us, {{ day_us }}) AS days_late,
    DIV(m.arrival_us - m.time_us + {{ 104 * quarter_us }}, {{ quarter_us }}) AS quarters,
    m.time_us >= d.mf__start_us AND m.time_us < d.mf__end_us AS in_bounds,
    m.time_us - d.mf__start_us AS since_start_us
  FROM measured AS m
  JOIN {{ days }} AS d ON d.mf__day = m.mf__day
),
-- Few rows: a day has some thousand different combinations.
tallied AS (
  SELECT
    p.mf__day, p.event_name,
    CASE WHEN p.in_bounds THEN p.hour END AS hour,
    p.days_late,
    CASE
      WHEN p.in_bounds AND p.arrival_us - p.time_us + {{ 104 * quarter_us }} >= 0 AND p.quarters < 208 THEN p.quarters
    END AS quarters,
    COUNT(*) AS copies,
    MAX(CASE WHEN p.is_valid AND p.in_bounds THEN p.since_start_us END) AS last_us
    {% for column in profiled %}
    , SUM(CASE WHEN p.missing_{{ loop.index }} THEN 1 ELSE 0 END) AS missing_{{ loop.index }}
    , SUM(CASE WHEN p.has_size_{{ loop.index }} THEN 1 ELSE 0 END) AS sized_{{ loop.index }}
    , SUM(p.size_{{ loop.index }}) AS sizes_{{ loop.index }}
    {% endfor %}
  FROM placed AS p
  GROUP BY 1, 2, 3, 4, 5
),
duplicates AS (
  SELECT
    c.mf__day,
    {{ x.event_name('c') }} AS event_name,
    CASE WHEN c.mf__in_day THEN DIV({{ x.time_us('c') }} - d.mf__start_us, {{ hour_us }}) END AS hour,
    {% for name in origins %}
    {{ x.origin('c', name) }} AS origin_{{ loop.index }},
    {% endfor %}
    CASE WHEN c.mf__exact THEN 0 ELSE 1 END AS conflicting
  FROM {{ copies }} AS c
  JOIN {{ days }} AS d ON d.mf__day = c.mf__day
  WHERE c.mf__row_num > 1 AND NOT c.mf__gone
),
-- Every key has the insert id in it: only rows whose insert id occurs twice are kept by one key and rejected by another.
{% set order = 'c.mf__arrival_us IS NULL, c.mf__arrival_us' ~ (' DESC' if pipeline.keep == 'latest' else '') %}
ranked AS (
  SELECT
    c.mf__day, {{ x.event_name('c') }} AS event_name,
    ROW_NUMBER() OVER (PARTITION BY c.mf__day, {{ x.id('c') }}, {{ x.time('c') }} ORDER BY {{ order }}, {{ x.event_name('c') }}) AS by_id_time,
    ROW_NUMBER() OVER (
      PARTITION BY c.mf__day, {{ x.event_name('c') }}, {{ x.distinct_id('c') }}, {{ x.id('c') }}, {{ x.time('c') }} ORDER BY {{ order }}
    ) AS by_mixpanel,
    ROW_NUMBER() OVER (
      PARTITION BY c.mf__day, {{ x.event_name('c') }}, {{ x.distinct_id('c') }}, {{ x.id('c') }} ORDER BY {{ order }}
    ) AS by_mixpanel_day
  FROM {{ copies }} AS c
  WHERE c.mf__keyed AND NOT c.mf__gone
)
SELECT t.mf__day AS day, 'rows' AS part, '' AS item, SUM(t.copies) AS a, 0 AS b, 0 AS c FROM tallied AS t GROUP BY t.mf__day
UNION ALL
SELECT t.mf__day, 'last', '', DIV(MAX(t.last_us), 1000), 0, 0
FROM tallied AS t
WHERE t.last_us IS NOT NULL
GROUP BY t.mf__day
{% for column in profiled %}
UNION ALL
SELECT
  t.mf__day, 'column', {{ literal(column.name) }}, SUM(t.missing_{{ loop.index }}), SUM(t.sized_{{ loop.index }}),
  CAST(SUM(t.sizes_{{ loop.index }}) * 434.2944819 AS INT64)
FROM tallied AS t
GROUP BY t.mf__day
{% endfor %}
UNION ALL
SELECT t.mf__day, 'lateness', CAST(t.days_late AS STRING), SUM(t.copies), 0, 0
FROM tallied AS t
WHERE t.days_late IS NOT NULL
GROUP BY t.mf__day, t.days_late
UNION ALL
SELECT t.mf__day, 'lag', CAST(t.quarters - 104 AS STRING), SUM(t.copies), 0, 0
FROM tallied AS t
WHERE t.quarters IS NOT NULL
GROUP BY t.mf__day, t.quarters
UNION ALL
SELECT t.mf__day, 'hour', CAST(t.hour AS STRING), SUM(t.copies), 0, 0
FROM tallied AS t
WHERE t.hour IS NOT NULL
GROUP BY t.mf__day, t.hour
UNION ALL
SELECT d.mf__day, 'hour', CAST(d.hour AS STRING), 0, COUNT(*), SUM(d.conflicting)
FROM duplicates AS d
WHERE d.hour IS NOT NULL
GROUP BY d.mf__day, d.hour
UNION ALL
SELECT t.mf__day, 'event', COALESCE(t.event_name, ''), SUM(t.copies), 0, 0
FROM tallied AS t
GROUP BY t.mf__day, t.event_name
UNION ALL
SELECT d.mf__day, 'event', COALESCE(d.event_name, ''), 0, COUNT(*), SUM(d.conflicting)
FROM duplicates AS d
GROUP BY d.mf__day, d.event_name
{% for name in origins %}
UNION ALL
SELECT
  d.mf__day, 'origin', CONCAT({{ literal(name ~ '=') }}, COALESCE(d.origin_{{ loop.index }}, '')), 0, COUNT(*), SUM(d.conflicting)
FROM duplicates AS d
GROUP BY d.mf__day, d.origin_{{ loop.index }}
{% endfor %}
UNION ALL
SELECT
  k.mf__day, 'key', COALESCE(k.event_name, ''),
  SUM(CASE WHEN k.by_id_time > 1 THEN 1 ELSE 0 END),
  SUM(CASE WHEN k.by_mixpanel > 1 THEN 1 ELSE 0 END),
  SUM(CASE WHEN k.by_mixpanel_day > 1 THEN 1 ELSE 0 END)
FROM ranked AS k
GROUP BY k.mf__day, k.event_name
UNION ALL
SELECT
  f.day, 'figure', item, CASE item {% for name in figures %}WHEN '{{ name }}' THEN f.{{ name }} {% endfor %}END, 0, 0
FROM figures AS f
CROSS JOIN UNNEST([{% for name in figures %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}]) AS item
UNION ALL
SELECT r.mf__day, 'reason', r.mf__reason, COUNT(*), 0, 0
FROM {{ copies }} AS r
WHERE r.mf__reason IS NOT NULL
GROUP BY r.mf__day, r.mf__reason
