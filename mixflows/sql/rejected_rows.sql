-- One row per rejected copy of the day, as `mp_rejected_events` is to hold it. Input: the rows made ready before.
SELECT {{ x.published_columns() }}, row_num, rejection_reason, rejection_timestamp, is_exact_copy, run_id
FROM {{ rejected_next }}
