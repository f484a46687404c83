-- One row per source row that is not in the events, with the reason. Partitioned by day.
CREATE TABLE IF NOT EXISTS {{ rejected }}
PARTITION BY partition_date
AS SELECT
  {{ x.columns('s') }}, CAST(NULL AS DATE) AS partition_date,
  CAST(NULL AS INT64) AS row_num,
  CAST(NULL AS STRING) AS rejection_reason,
  CAST(NULL AS TIMESTAMP) AS rejection_timestamp,
  CAST(NULL AS BOOL) AS is_exact_copy,
  CAST(NULL AS STRING) AS run_id
FROM {{ source }} AS s
WHERE FALSE
