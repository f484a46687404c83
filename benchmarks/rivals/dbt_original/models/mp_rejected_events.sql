{# n(n-1) rows for n copies of an insert id; built anew from the whole history. #}
{{ config(materialized='table') }}
SELECT s.*, 'Duplicate event' AS rejection_reason, now() AS rejection_timestamp
FROM {{ ref('stg_mp_dedup_events') }} AS s
JOIN {{ ref('stg_mp_dedup_events') }} AS duplicates
  ON s.mp_insert_id = duplicates.mp_insert_id AND duplicates.row_num > 1
