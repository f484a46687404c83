-- One row per copy of an insert id in days of the source, by time. For days that hold more than what was published.
-- An empty distinct id is everybody.
{% macro who(t) %}
{{ x.distinct_id(t) if columns.distinct_id.type == 'STRING' else 'CAST(' ~ x.distinct_id(t) ~ ' AS STRING)' }}
{%- endmacro %}
SELECT
  {{ x.day('s') }} AS partition_date,
  'source only' AS place, {{ x.event_name('s') }} AS event_name,
  {{ x.distinct_id('s') }} AS distinct_id, {{ x.time('s') }} AS event_time, {{ x.arrival('s') }} AS arrival,
  {{ x.source_file('s') }} AS source_file, CAST(NULL AS INT64) AS row_num, CAST(NULL AS STRING) AS rejection_reason,
  CAST(NULL AS BOOL) AS is_exact_copy, CAST(NULL AS TIMESTAMP) AS rejection_timestamp, CAST(NULL AS STRING) AS run_id
FROM {{ source }} AS s
WHERE {{ x.in_days('s') }} AND {{ x.id('s') }} = @insert_id
  AND (@distinct_id = '' OR {{ who('s') }} = @distinct_id)
ORDER BY event_time
