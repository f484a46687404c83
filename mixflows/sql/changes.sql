-- One row per day: what publishing would change in it. Inputs: the staged days and their published rows, by all that is stored;
-- with the flag `touched` only the ids that differ, on narrow columns (those of published events were read when the ids were found),
-- with the flag `content` also by their content.
-- A row without insert id is told from others by all that is stored of it.
{% macro copy_of(t, day) -%}
{{ x.copy_hash(t, day, content='content' in flags) if 'touched' in flags else x.stored_hash(t, day) }}
{%- endmacro %}
{% macro and_touched(id) -%}
{% if 'touched' in flags %} AND {{ id }} IN (SELECT i.mf__id FROM {{ touched }} AS i WHERE i.mf__id IS NOT NULL){% endif %}
{%- endmacro %}
WITH events_of_both AS (
  {% if 'touched' in flags %}
  SELECT
    c.mf__day, {{ x.key_hash('c', 'c.mf__day') }} AS mf__key, {{ copy_of('c', 'c.mf__day') }} AS mf__copy, 1 AS is_staged
  FROM {{ copies }} AS c
  WHERE c.mf__row_num = 1 AND {{ x.batch_in_days('c') }}{{ and_touched('c.mf__id') }}
  UNION ALL
  SELECT e.mf__day, e.mf__key, e.mf__copy, 0
  FROM {{ touched }} AS e
  WHERE e.mf__key IS NOT NULL AND {{ x.batch_in_days('e') }}
  {% else %}
  {% for table, t, day, is_staged in [(stage, 's', 's.mf__day', 1), (events, 'e', 'e.partition_date', 0)] %}
  {{ 'UNION ALL' if not loop.first }}
  SELECT
    {{ day }} AS mf__day,
    CASE WHEN {{ x.has_id(t) }} THEN {{ x.key_hash(t, day) }} ELSE {{ x.stored_hash(t, day) }} END AS mf__key,
    {{ copy_of(t, day) }} AS mf__copy,
    {{ is_staged }} AS is_staged
  FROM {{ table }} AS {{ t }}
  WHERE {{ 's.row_num = 1 AND ' if is_staged }}{{ x.batch_in_days(t) if is_staged else x.published_in_days(t) }}
  {% endfor %}
  {% endif %}
),
keys AS (
  SELECT
    e.mf__day, SUM(e.is_staged) AS staged, SUM(1 - e.is_staged) AS published,
    CASE WHEN MIN(e.mf__copy) = MAX(e.mf__copy) THEN 0 ELSE 1 END AS differs
  FROM events_of_both AS e
  GROUP BY e.mf__day, e.mf__key
),
per_day AS (
  SELECT
    k.mf__day,
    SUM(CASE WHEN k.staged > k.published THEN k.staged - k.published ELSE 0 END) AS inserted_events,
    SUM(CASE WHEN k.staged > 0 AND k.published > 0 THEN k.differs ELSE 0 END) AS updated_events,
    SUM(CASE WHEN k.published > k.staged THEN k.published - k.staged ELSE 0 END) AS deleted_events
  FROM keys AS k
  GROUP BY k.mf__day
),
rejected_of_both AS (
  SELECT
    c.mf__day, {{ copy_of('c', 'c.mf__day') }} AS mf__copy,
    c.mf__row_num AS row_num, c.mf__reason AS rejection_reason, c.mf__exact AS is_exact_copy, 1 AS side
  FROM {{ copies }} AS c
  WHERE c.mf__row_num IS DISTINCT FROM 1 AND {{ x.batch_in_days('c') }}{{ and_touched('c.mf__id') }}
  UNION ALL
  SELECT
    r.partition_date, {{ copy_of('r', 'r.partition_date') }},
    r.row_num, r.rejection_reason, r.is_exact_copy, -1
  FROM {{ rejected }} AS r
  WHERE {{ x.published_in_days('r') }}{{ and_touched(x.id_hash('r', 'r.partition_date')) }}
),
rejected_differing AS (
  SELECT r.mf__day, ABS(SUM(r.side)) AS differing
  FROM rejected_of_both AS r
  GROUP BY r.mf__day, r.mf__copy, r.row_num, r.rejection_reason, r.is_exact_copy
),
rejected_per_day AS (
  SELECT r.mf__day, SUM(r.differing) AS differing FROM rejected_differing AS r GROUP BY r.mf__day
)
SELECT
  COALESCE(p.mf__day, r.mf__day) AS day,
  COALESCE(p.inserted_events, 0) AS inserted_events,
  COALESCE(p.updated_events, 0) AS updated_events,
  COALESCE(p.deleted_events, 0) AS deleted_events,
  COALESCE(r.differing, 0) AS differing_rejected
FROM per_day AS p
FULL OUTER JOIN rejected_per_day AS r ON r.mf__day = p.mf__day
