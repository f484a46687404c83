-- One row per event of the days, as `mp_events` is to hold it: the plain rows of the source, and the winners among the copies.
SELECT {{ x.published_select('s', x.day('s')) }}
FROM {{ source }} AS s
WHERE {{ x.in_days('s') }} AND {{ x.is_keyed('s') }}
  AND NOT EXISTS (SELECT 1 FROM {{ copies }} AS c WHERE c.mf__keyed AND c.mf__id = {{ x.id_hash('s', x.day('s')) }})
UNION ALL
SELECT {{ x.published_select('c', 'c.mf__day') }}
FROM {{ copies }} AS c
WHERE c.mf__row_num = 1 AND {{ x.batch_in_days('c') }}
