-- One row per key that is in the last three days' events more than once.
SELECT mp_insert_id, time
FROM {{ ref('mp_events') }}
WHERE partition_date >= {{ first_day() }}
GROUP BY ALL
HAVING COUNT(*) > 1
