-- One row per copy of the batch's days that is not plainly kept: every copy of an insert id delivered more than once in a day,
-- every invalid row, with the flag `touched` every copy of an id that differs from what is published of it, with the flag
-- `retain` the published copies that the source no longer has. Wide, and small: about one row in 450.
-- Inputs: the source days or, where the engine has set them aside, these rows of them; see events_next.sql.
-- Ties: see `rank_order`; rows that are equal in it are equal, and any may win.
CREATE OR REPLACE TABLE {{ copies }} {{ stage_options }} AS
WITH {% if not set_aside %}
ranked_ids AS (
  {% include 'ranked_ids' %}
),
{% endif %}
{% if 'retain' in flags %}
-- How many published copies of a pair the source no longer has, but for damage.
vanished AS (
  SELECT t.mf__pair, t.mf__fewer - t.mf__more - CASE WHEN d.mf__repairs_surplus THEN t.mf__surplus ELSE 0 END AS gone_copies
  FROM {{ touched }} AS t
  JOIN {{ days }} AS d ON d.mf__day = t.mf__day
  WHERE t.mf__fewer - t.mf__more > CASE WHEN d.mf__repairs_surplus THEN t.mf__surplus ELSE 0 END
),
live AS (
  SELECT {{ x.copy_hash('s', x.day('s')) }} AS mf__copy, COUNT(*) AS copies
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }} AND {{ x.pair_hash('s', x.day('s')) }} IN (SELECT v.mf__pair FROM vanished AS v)
  GROUP BY mf__copy
),
published AS (
  {% for table, t in [(events, 'e'), (rejected, 'r')] %}
  {{ 'UNION ALL' if not loop.first }}
  SELECT
    {{ x.columns(t) }}, {{ t }}.partition_date AS mf__day,
    {{ x.pair_hash(t, t ~ '.partition_date') }} AS mf__pair,
    {{ x.copy_hash(t, t ~ '.partition_date') }} AS mf__copy
  FROM {{ table }} AS {{ t }}
  WHERE {{ x.published_in_days(t) }}
    AND {{ x.pair_hash(t, t ~ '.partition_date') }} IN (SELECT v.mf__pair FROM vanished AS v)
  {% endfor %}
),
numbered AS (
  SELECT p.*, ROW_NUMBER() OVER (PARTITION BY p.mf__copy ORDER BY p.mf__pair) AS mf__nth_of_copy
  FROM published AS p
),
left_over AS (
  SELECT
    n.* EXCEPT (mf__nth_of_copy),
    ROW_NUMBER() OVER (
      PARTITION BY n.mf__pair
      ORDER BY CASE WHEN n.mf__nth_of_copy <= COALESCE(l.copies, 0) THEN 1 ELSE 0 END, {{ x.arrival_us('n') }} DESC, n.mf__copy
    ) AS mf__nth_of_pair
  FROM numbered AS n
  LEFT JOIN live AS l ON l.mf__copy = n.mf__copy
),
{% endif %}
wanted AS (
  {% if set_aside %}
  {% set day = set_aside.day_of('s') %}
  SELECT
    {{ x.columns('s') }}, {{ day }} AS mf__day, {{ x.is_in_its_day('s', day) }} AS mf__in_day,
    {{ set_aside.is_gone('s') if columns.marks_gone else 'FALSE' }} AS mf__gone
  FROM {{ events_next }} AS s
  WHERE {{ set_aside.has('s') }}
  {% else %}
  SELECT
    {{ x.columns('s') }},
    {{ x.day('s') }} AS mf__day,
    {{ x.is_in_its_day('s', x.day('s')) }} AS mf__in_day,
    {{ 's.gone_since IS NOT NULL' if columns.marks_gone else 'FALSE' }} AS mf__gone
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }} AND (
    {{ x.id_hash('s', x.day('s')) }} IN (SELECT i.mf__id FROM ranked_ids AS i) OR NOT {{ x.is_keyed('s') }}
  )
  {% endif %}
  {% if 'retain' in flags %}
  UNION ALL
  SELECT {{ x.columns('g') }}, g.mf__day, {{ x.is_in_its_day('g', 'g.mf__day') }}, TRUE
  FROM left_over AS g
  JOIN vanished AS v ON v.mf__pair = g.mf__pair
  WHERE g.mf__nth_of_pair <= v.gone_copies
  {% endif %}
),
described AS (
  SELECT
    w.*,
    CASE WHEN {{ x.has_id('w') }} THEN {{ x.id_hash('w', 'w.mf__day') }} END AS mf__id,
    {{ x.is_keyed('w') }} AS mf__keyed,
    {{ x.arrival_us('w') }} AS mf__arrival_us,
    {{ x.version_us('w') }} AS mf__version_us,
    {{ x.fingerprint('w') }} AS mf__fingerprint,
    {{ x.filled('w') }} AS mf__filled,
    {{ x.rest('w') }} AS mf__rest
  FROM wanted AS w
),
ranked AS (
  SELECT
    d.*,
    ROW_NUMBER() OVER (PARTITION BY d.mf__day, {{ x.key('d') }} ORDER BY {{ x.rank_order('d') }}) AS mf__row_num,
    FIRST_VALUE(d.mf__fingerprint) OVER (
      PARTITION BY d.mf__day, {{ x.key('d') }} ORDER BY {{ x.rank_order('d') }}
    ) AS mf__winner,
    COUNT(*) OVER (PARTITION BY d.mf__day, {{ x.key('d') }}) > 1 AS mf__contested
  FROM described AS d
  WHERE d.mf__keyed
)
SELECT
  r.* EXCEPT (mf__rest, mf__winner),
  CASE WHEN r.mf__row_num > 1 THEN 'Duplicate event' END AS mf__reason,
  CASE WHEN r.mf__contested THEN r.mf__fingerprint = r.mf__winner END AS mf__exact
FROM ranked AS r
UNION ALL
SELECT
  d.* EXCEPT (mf__rest),
  {# Under the policy `keep`, a row without insert id is its own key: valid, and never ranked. #}
  CASE WHEN {{ x.is_valid('d') }} THEN 1 END,
  FALSE,
  {{ x.invalid_reason('d') }},
  CAST(NULL AS BOOL)
FROM described AS d
WHERE NOT d.mf__keyed
