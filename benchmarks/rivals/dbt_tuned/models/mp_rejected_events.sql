{# One row per copy that is no event; the last three days are deleted and inserted. #}
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='partition_date') }}
SELECT *, CASE WHEN mp_insert_id IS NULL THEN 'Missing insert id' ELSE 'Duplicate event' END AS rejection_reason
FROM ({{ ranked() }})
WHERE row_num > 1 OR mp_insert_id IS NULL
