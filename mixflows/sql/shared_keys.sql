-- One row per hash of a key that more than one published event of the days has. A part of other statements.
SELECT {{ x.key_hash('p', 'p.partition_date') }} AS mf__key
FROM {{ events }} AS p
WHERE {{ x.published_in_days('p') }}
GROUP BY mf__key
HAVING COUNT(*) > 1
