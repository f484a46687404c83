-- One row per event of the days, as `mp_events` is to hold it: the staged rows that are kept, which are those that were judged.
SELECT {{ x.published_select('s', 's.mf__day') }}
FROM {{ stage }} AS s
WHERE s.row_num = 1 AND {{ x.batch_in_days('s') }}
