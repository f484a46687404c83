-- One row per copy of an insert id in one day of the source, by time. For days that hold more than what was published.
SELECT
  {% if shape.partition_date %}@day{% else %}{{ x.day_of('s') }}{% endif %} AS partition_date,
  'source only' AS place, s.{{ quote(shape.event_name) }} AS event_name,
  s.{{ quote(shape.distinct_id) }} AS distinct_id, s.{{ quote(shape.time) }} AS event_time, {{ x.arrival('s') }} AS arrival,
  {{ x.source_file('s') }} AS source_file, CAST(NULL AS INT64) AS row_num, CAST(NULL AS STRING) AS rejection_reason,
  CAST(NULL AS BOOL) AS is_exact_copy, CAST(NULL AS TIMESTAMP) AS rejection_timestamp, CAST(NULL AS STRING) AS run_id
FROM {{ source }} AS s
WHERE {{ x.in_day('s') }} AND s.{{ quote(shape.insert_id) }} = @insert_id
ORDER BY event_time
