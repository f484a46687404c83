-- One row per day, part and item of it, at most 51 a part: where the rows of a day come from, and what is wrong with them; see
-- profile.Breakdown. Only days that an expectation flags, or that a person inspects, are read so.
--   part  event, hour (of the day, from its first instant), file (that a copy was landed from), or a property in quality.origins
--   item  the value; NULL where a row has none; what is beyond the 50 with the most trouble and rows is added up as '(others)'
-- Inputs: the source days' narrow columns and the properties in quality.origins, each read once; their copies, for the duplicates.
{% set counts = ['row_count', 'duplicates', 'conflicting', 'missing_insert_id', 'future', 'late', 'clock_ahead', 'identity_missing'] %}
WITH read_rows AS (
  SELECT
    {{ x.day('s') }} AS mf__day,
    {{ x.event_name('s') }} AS item_1,
    {{ x.time_us('s') }} AS time_us,
    {{ x.source_file('s') }} AS item_3,
    {% for name in origins %}
    {{ x.origin('s', name) }} AS item_{{ loop.index + 3 }},
    {% endfor %}
    {{ x.arrival_us('s') }} AS arrival_us,
    {{ x.has_id('s') }} AS has_id,
    {{ x.in_future('s') }} AS in_future,
    {{ x.is_missing('s', columns.distinct_id) }} AS is_nobody
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }}{{ ' AND s.gone_since IS NULL' if columns.marks_gone }}
),
-- Few rows: a day has some thousand different combinations.
counted AS (
  SELECT
    r.mf__day, r.item_1,
    CAST(CASE WHEN r.time_us >= d.mf__start_us AND r.time_us < d.mf__end_us THEN DIV(r.time_us - d.mf__start_us, 3600000000) END AS STRING)
      AS item_2,
    r.item_3
    {%- for name in origins %}, r.item_{{ loop.index + 3 }}{% endfor %},
    COUNT(*) AS row_count,
    0 AS duplicates,
    0 AS conflicting,
    SUM(CASE WHEN r.has_id THEN 0 ELSE 1 END) AS missing_insert_id,
    SUM(CASE WHEN r.in_future THEN 1 ELSE 0 END) AS future,
    SUM(CASE WHEN r.arrival_us >= d.mf__late_from_us THEN 1 ELSE 0 END) AS late,
    SUM(CASE WHEN r.arrival_us < r.time_us - 900000000 AND NOT r.in_future THEN 1 ELSE 0 END) AS clock_ahead,
    SUM(CASE WHEN r.is_nobody THEN 1 ELSE 0 END) AS identity_missing
  FROM read_rows AS r
  JOIN {{ days }} AS d ON d.mf__day = r.mf__day
  GROUP BY 1, 2, 3, 4{% for name in origins %}, {{ loop.index + 4 }}{% endfor %}

  UNION ALL
  SELECT
    c.mf__day, {{ x.event_name('c') }},
    CAST(CASE WHEN c.mf__in_day THEN DIV({{ x.time_us('c') }} - d.mf__start_us, 3600000000) END AS STRING),
    {{ x.source_file('c') }}
    {%- for name in origins %}, {{ x.origin('c', name) }}{% endfor %},
    0, 1, CASE WHEN c.mf__exact THEN 0 ELSE 1 END, 0, 0, 0, 0, 0
  FROM {{ copies }} AS c
  JOIN {{ days }} AS d ON d.mf__day = c.mf__day
  WHERE c.mf__row_num > 1 AND NOT c.mf__gone
),
parts AS (
  {% for part in ['event', 'hour', 'file'] + (origins | list) %}
  {{ 'UNION ALL' if not loop.first }}
  SELECT
    t.mf__day, {{ literal(part) }} AS part, t.item_{{ loop.index }} AS item
    {%- for count in counts %}, SUM(t.{{ count }}) AS {{ count }}{% endfor %}

  FROM counted AS t
  GROUP BY t.mf__day, t.item_{{ loop.index }}
  {% endfor %}
),
placed AS (
  SELECT
    p.*,
    ROW_NUMBER() OVER (
      PARTITION BY p.mf__day, p.part
      ORDER BY p.duplicates + p.missing_insert_id + p.future + p.late + p.clock_ahead + p.identity_missing DESC, p.row_count DESC, p.item
    ) AS place
  FROM parts AS p
)
SELECT
  q.mf__day AS day, q.part, CASE WHEN q.place <= 50 THEN q.item ELSE '(others)' END AS item
  {%- for count in counts %}, SUM(q.{{ count }}) AS {{ count }}{% endfor %}

FROM placed AS q
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
