-- One row per event of a slot whose live copies in the source are not the delivered ones, as multisets of (copy, content); where
-- copies that are gone are not kept, also one per event that has such copies. `mf__is_new`: the source has no copy of it.
-- Inputs: the source's rows of the slot and the delivered ones, with their content: as it is stored and, only for events that differ
-- in that, by its fingerprint, which neither the order of an object's members nor the column of a property changes.
{% macro of_both(content, only) %}
  SELECT
    {{ slot.event('s') }} AS mf__event, {{ slot.copy('s') }} AS mf__copy, {{ content('s') }} AS mf__content,
    CASE WHEN s.gone_since IS NULL THEN -1 ELSE 0 END AS side, 1 AS held
  FROM {{ source }} AS s
  WHERE {{ slot.has('s') }}{{ only('s') }}
  UNION ALL
  SELECT {{ slot.event('n') }}, {{ slot.copy('n') }}, {{ content('n') }}, 1, 0
  FROM {{ incoming }} AS n
  WHERE TRUE{{ only('n') }}
{% endmacro %}
{% macro everything(alias) %}{% endmacro %}
{% macro suspected(alias) %} AND {{ slot.event(alias) }} IN (SELECT u.mf__event FROM suspected AS u WHERE u.held > 0){% endmacro %}
{% set differs = 'SUM(c.side) <> 0' if slot.keeps else 'SUM(c.side) <> 0 OR SUM(c.held * (c.side + 1)) > 0' %}
CREATE OR REPLACE {{ temporary }}TABLE {{ slot_touched }} {{ stage_options }} AS
WITH stored AS (
{{ of_both(x.content_hash, everything) -}}
),
stored_contents AS (
  SELECT c.mf__event, SUM(c.held) AS held, {{ differs }} AS differs
  FROM stored AS c
  GROUP BY c.mf__event, c.mf__copy, c.mf__content
),
suspected AS (
  SELECT c.mf__event, SUM(c.held) AS held
  FROM stored_contents AS c
  GROUP BY c.mf__event
  HAVING LOGICAL_OR(c.differs)
),
compared AS (
{{ of_both(x.fingerprint, suspected) -}}
)
SELECT u.mf__event, TRUE AS mf__is_new
FROM suspected AS u
WHERE u.held = 0
UNION ALL
SELECT DISTINCT d.mf__event, FALSE
FROM (
  SELECT c.mf__event FROM compared AS c GROUP BY c.mf__event, c.mf__copy, c.mf__content HAVING {{ differs }}
) AS d
