{# The copies of the last three days (of all days at first), ranked within their key by arrival. #}
{% macro ranked() %}
SELECT
  *,
  ROW_NUMBER() OVER (PARTITION BY mp_insert_id, time ORDER BY mp_processing_time_ms NULLS LAST) AS row_num
FROM {{ source('mixpanel', 'mp_master_event') }}
{% if is_incremental() %}
WHERE partition_date >= {{ first_day() }}
{% endif %}
{% endmacro %}

{% macro first_day() %}DATE '{{ var("last_day") }}' - 2{% endmacro %}
