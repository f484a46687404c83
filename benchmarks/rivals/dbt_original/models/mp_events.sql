{# One row per insert id; from the staging table's last three days, against the whole target. #}
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='mp_insert_id') }}
SELECT s.* EXCLUDE (row_num)
FROM {{ ref('stg_mp_dedup_events') }} AS s
WHERE s.row_num = 1
{% if is_incremental() %}
  AND s.time >= (SELECT MAX(time) FROM {{ ref('stg_mp_dedup_events') }}) - INTERVAL 3 DAY
  AND NOT EXISTS (SELECT 1 FROM {{ this }} AS known WHERE known.mp_insert_id = s.mp_insert_id)
{% endif %}
