{# One row per key; the last three days are deleted and inserted. #}
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='partition_date') }}
SELECT * EXCLUDE (row_num)
FROM ({{ ranked() }})
WHERE row_num = 1 AND mp_insert_id IS NOT NULL
