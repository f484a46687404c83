-- One row per copy of the batch's days: those that are plainly kept under their day, but for days that are published as a delta,
-- and those that need ranking, are invalid or gone set aside under a day of theirs a thousand years or more before.
-- Input: the source days; their wide columns are read once, and not sorted.
{% set gone = 's.gone_since IS NOT NULL' if columns.marks_gone else 'FALSE' %}
WITH ranked_ids AS (
  {% include 'ranked_ids' %}
),
placed AS (
  SELECT
    {{ x.columns('s') }}, {{ x.day('s') }} AS mf__day, {{ gone }} AS mf__gone,
    {{ x.is_keyed('s') }} AND i.mf__id IS NULL{{ ' AND s.gone_since IS NULL' if columns.marks_gone }} AS mf__plain
  FROM {{ source }} AS s{{ as_of }}
  LEFT JOIN ranked_ids AS i ON i.mf__id = {{ x.id_hash('s', x.day('s')) }}
  WHERE {{ x.in_days('s') }}
)
SELECT {{ x.columns('p') }}, CASE WHEN p.mf__plain THEN p.mf__day ELSE {{ set_aside.day_for('p.mf__day', 'p.mf__gone' if columns.marks_gone else 'FALSE') }} END
FROM placed AS p
JOIN {{ days }} AS d ON d.mf__day = p.mf__day
WHERE NOT (p.mf__plain AND d.mf__delta)
