-- One row per rejected copy of the days, as `mp_rejected_events` is to hold it. Input: the rows that were prepared.
SELECT {{ x.published('rejected', 'n') }}
FROM {{ rejected_next }} AS n
WHERE {{ x.published_in_days('n') }}
