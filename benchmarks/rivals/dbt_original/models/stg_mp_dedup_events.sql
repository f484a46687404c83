{# One row per delivered copy of the whole history, numbered within its insert id in no order. #}
{{ config(materialized='table') }}
SELECT *, ROW_NUMBER() OVER (PARTITION BY mp_insert_id ORDER BY mp_insert_id) AS row_num
FROM {{ source('mixpanel', 'mp_master_event') }}
