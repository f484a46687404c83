-- One row per published copy with an insert id in a range of days, kept or rejected, by day, time and place.
-- Inputs: the published tables, which are clustered by distinct id and insert id. An empty distinct id is everybody.
{% macro who(t) %}
{{ x.distinct_id(t) if columns.distinct_id.type == 'STRING' else 'CAST(' ~ x.distinct_id(t) ~ ' AS STRING)' }}
{%- endmacro %}
SELECT
  e.partition_date, 'mp_events' AS place, {{ x.event_name('e') }} AS event_name,
  {{ x.distinct_id('e') }} AS distinct_id, {{ x.time('e') }} AS event_time,
  {{ x.arrival('e') }} AS arrival, {{ x.source_file('e') }} AS source_file, 1 AS row_num,
  CAST(NULL AS STRING) AS rejection_reason, CAST(NULL AS BOOL) AS is_exact_copy,
  CAST(NULL AS TIMESTAMP) AS rejection_timestamp, CAST(NULL AS STRING) AS run_id
FROM {{ events }} AS e
WHERE e.partition_date >= @first_day AND e.partition_date <= @last_day AND {{ x.id('e') }} = @insert_id
  AND (@distinct_id = '' OR {{ who('e') }} = @distinct_id)
UNION ALL
SELECT
  r.partition_date, 'mp_rejected_events', {{ x.event_name('r') }}, {{ x.distinct_id('r') }},
  {{ x.time('r') }}, {{ x.arrival('r') }}, {{ x.source_file('r') }}, r.row_num,
  r.rejection_reason, r.is_exact_copy, r.rejection_timestamp, r.run_id
FROM {{ rejected }} AS r
WHERE r.partition_date >= @first_day AND r.partition_date <= @last_day AND {{ x.id('r') }} = @insert_id
  AND (@distinct_id = '' OR {{ who('r') }} = @distinct_id)
ORDER BY partition_date, event_time, place, row_num
