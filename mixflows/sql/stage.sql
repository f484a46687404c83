-- One row per copy of the batch's days: the published columns, the day, whether the event time lies in it, row_num (1 = kept,
-- NULL = invalid), rejection_reason and is_exact_copy (same content as the winner). With the flag `judged`, over the days that are
-- replaced whole, their rows, and of the batch's other days the copies alone: what publishing may change.
-- Inputs: the source days or, where the engine has written them, their events; and their copies, ranked already.
CREATE OR REPLACE VIEW {{ judged if 'judged' in flags else stage }} {{ stage_options }} AS
{% set retains = 'retain' in flags or columns.marks_gone %}
{% macro plainly_kept(x, table, day, gone='FALSE') %}
SELECT
  {{ x.columns('s') }},
  {{ day }} AS mf__day,
  {{ x.is_in_its_day('s', day) }} AS mf__in_day,
  {{ gone }} AS mf__gone,
  1 AS row_num,
  CAST(NULL AS STRING) AS rejection_reason,
  CAST(NULL AS BOOL) AS is_exact_copy
FROM {{ table }}
{% endmacro %}
{% macro without_copies(x, day) %}
-- An outer join without partner: DuckDB runs NOT EXISTS on an expression five times as long.
LEFT JOIN {{ copies }} AS other ON other.mf__keyed AND other.mf__id = {{ x.id_hash('s', day) }}
{% endmacro %}
{% if of_source %}
{% set day = of_source.day('s') %}
{{ plainly_kept(of_source, source ~ ' AS s' ~ as_of, day, 's.gone_since IS NOT NULL' if columns.marks_gone else 'FALSE') }}
{{ without_copies(of_source, day) }}
WHERE {{ of_source.in_days('s') }} AND {{ of_source.is_keyed('s') }} AND other.mf__id IS NULL
UNION ALL
{% endif %}
{% if of_next %}
-- The winners are in it. Those that only the policy keeps are told from the others by the copies alone: with the flag `retain`, or
-- where the source marks copies that are gone, all winners are read from there, those without insert id among them.
{{ plainly_kept(of_next, events_next ~ ' AS s', 's.partition_date') }}
{{ without_copies(of_next, 's.partition_date') if retains }}
WHERE {{ of_next.published_in_days('s') }}
  {{ 'AND ' ~ of_next.is_keyed('s') ~ ' AND other.mf__id IS NULL' if retains }}
UNION ALL
{% endif %}
SELECT
  {{ x.columns('c') }}, c.mf__day, c.mf__in_day, c.mf__gone,
  c.mf__row_num AS row_num, c.mf__reason AS rejection_reason, c.mf__exact AS is_exact_copy
FROM {{ copies }} AS c
{% if of_next and not retains %}
WHERE c.mf__row_num IS DISTINCT FROM 1 OR NOT ({{ of_next.batch_in_days('c') }})
{% endif %}
