-- One row per event of the days whose copies were ranked, under its day. Input: the days' copies.
SELECT {{ x.published_select('c', 'c.mf__day') }}
FROM {{ copies }} AS c
WHERE c.mf__row_num = 1 AND {{ x.batch_in_days('c') }}
