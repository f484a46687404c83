{#- One row per published day: its events and users, and the publication that they were counted from.
    Counts the days that were published since they were counted last. -#}
{{ config(
    materialized="incremental",
    unique_key="day",
    incremental_strategy="merge" if target.type == "bigquery" else "delete+insert"
) }}

{% set published %}
SELECT c.day, MAX(c.published_at) AS published_at FROM {{ source("mixflows", "mp_changed_days") }} AS c GROUP BY c.day
{% if is_incremental() %}
EXCEPT DISTINCT
SELECT a.day, a.built_from FROM {{ this }} AS a
{% endif %}
{% endset %}

{#- The days as literals: BigQuery then reads their partitions alone. -#}
{% set days = ["DATE '0001-01-01'"] %}
{% if execute %}
{% for day in run_query("SELECT d.day FROM (" ~ published ~ ") AS d").columns[0].values() %}
{% do days.append("DATE '" ~ day ~ "'") %}
{% endfor %}
{% endif %}

SELECT d.day, COUNT(e.partition_date) AS events, COUNT(DISTINCT e.distinct_id) AS users, d.published_at AS built_from
FROM ({{ published }}) AS d
LEFT JOIN (
  SELECT partition_date, distinct_id FROM {{ source("mixflows", "mp_events") }} WHERE partition_date IN ({{ days | join(", ") }})
) AS e ON e.partition_date = d.day
WHERE d.day IN ({{ days | join(", ") }})
GROUP BY d.day, d.published_at
