-- One row per copy of the batch's days that is not plainly kept: every copy of an insert id delivered more than once in a day,
-- every invalid row, with the flag `touched` every copy of an id that differs from what is published of it, with the flag
-- `retain` the published copies that the source no longer has. Wide, and small: about one row in 450.
-- Inputs: the source days or, where the engine has set them aside, these rows of them; see events_next.sql.
-- Ties: see `rank_order`; rows that are equal in it are equal, and any may win.
-- One key may have millions of copies, and one worker gets them all: only narrow columns are sorted, and of equal rows their number.
CREATE OR REPLACE TABLE {{ copies }} {{ stage_options }} AS
WITH {% if not set_aside %}
ranked_ids AS (
  {% include 'ranked_ids' %}
),
{% endif %}
{% if 'retain' in flags %}
retained AS (
  {% include 'retained' %}
),
{% endif %}
wanted AS (
  {% if set_aside %}
  {% set day = set_aside.day_of('s') %}
  SELECT
    {{ x.columns('s') }}, {{ day }} AS mf__day, {{ set_aside.is_gone('s') if columns.marks_gone else 'FALSE' }} AS mf__gone,
    1 AS mf__copies
  FROM {{ events_next }} AS s
  WHERE {{ set_aside.has('s') }}
  {% else %}
  SELECT
    {{ x.columns('s') }}, {{ x.day('s') }} AS mf__day, {{ 's.gone_since IS NOT NULL' if columns.marks_gone else 'FALSE' }} AS mf__gone,
    1 AS mf__copies
  FROM {{ source }} AS s{{ as_of }}
  WHERE {{ x.in_days('s') }} AND (
    {{ x.id_hash('s', x.day('s')) }} IN (SELECT i.mf__id FROM ranked_ids AS i) OR NOT {{ x.is_keyed('s') }}
  )
  {% endif %}
  {% if 'retain' in flags %}
  UNION ALL
  SELECT {{ x.columns('r') }}, r.mf__day, TRUE, r.mf__copies
  FROM retained AS r
  {% endif %}
),
described AS (
  SELECT
    w.*,
    {{ x.is_in_its_day('w', 'w.mf__day') }} AS mf__in_day,
    CASE WHEN {{ x.has_id('w') }} THEN {{ x.id_hash('w', 'w.mf__day') }} END AS mf__id,
    {{ x.is_keyed('w') }} AS mf__keyed,
    {{ x.arrival_us('w') }} AS mf__arrival_us,
    {{ x.version_us('w') }} AS mf__version_us,
    {{ x.fingerprint('w') }} AS mf__fingerprint,
    {{ x.filled('w') }} AS mf__filled,
    {{ x.rest('w') }} AS mf__rest,
    {{ x.stored_hash('w', 'w.mf__day') }} AS mf__stored
  FROM wanted AS w
),
-- Equal rows are one, with their number.
distinct_copies AS (
  SELECT mf__row.*, k.mf__number
  FROM (
    SELECT ANY_VALUE(mf__d) AS mf__row, CAST(SUM(mf__d.mf__copies) AS INT64) AS mf__number
    FROM described AS mf__d
    GROUP BY mf__d.mf__fingerprint, mf__d.mf__stored, mf__d.mf__gone
  ) AS k
),
narrow AS (
  SELECT
    d.mf__day, {{ x.key('d') }}, d.mf__gone, d.mf__arrival_us, d.mf__version_us, d.mf__fingerprint, d.mf__filled, d.mf__rest,
    d.mf__stored, d.mf__number
  FROM distinct_copies AS d
  WHERE d.mf__keyed
),
{% set of_key = 'PARTITION BY n.mf__day, ' ~ x.key('n') %}
{% set in_order = of_key ~ ' ORDER BY ' ~ x.rank_order('n') %}
ranked AS (
  SELECT
    n.mf__fingerprint, n.mf__stored, n.mf__gone,
    CAST(SUM(n.mf__number) OVER ({{ in_order }}) - n.mf__number AS INT64) AS mf__before,
    FIRST_VALUE(n.mf__fingerprint) OVER ({{ in_order }}) AS mf__winner,
    SUM(n.mf__number) OVER ({{ of_key }}) > 1 AS mf__contested
  FROM narrow AS n
),
numbered AS (
  SELECT
    d.* EXCEPT (mf__rest, mf__copies, mf__number),
    mf__nth,
    {# Under the policy `keep`, a row without insert id is its own key: valid, and never ranked. #}
    CASE WHEN d.mf__keyed THEN r.mf__before + mf__nth WHEN {{ x.is_valid('d') }} THEN 1 END AS mf__row_num,
    d.mf__keyed AND r.mf__contested AS mf__contested,
    r.mf__winner
  FROM distinct_copies AS d
  LEFT JOIN ranked AS r
    ON r.mf__fingerprint = d.mf__fingerprint AND r.mf__stored = d.mf__stored AND r.mf__gone = d.mf__gone
  CROSS JOIN UNNEST(GENERATE_ARRAY(1, d.mf__number)) AS mf__nth
)
SELECT
  n.* EXCEPT (mf__winner),
  CASE WHEN n.mf__keyed THEN CASE WHEN n.mf__row_num > 1 THEN 'Duplicate event' END ELSE {{ x.invalid_reason('n') }} END AS mf__reason,
  CASE WHEN n.mf__contested THEN n.mf__fingerprint = n.mf__winner END AS mf__exact
FROM numbered AS n
