-- Replaces the events of touched ids, and no others: all their published rows go, their winners come.
-- The days are constants on the target, so that partitions prune. Grain of the input: one row per touched id, to be deleted, and
-- one per winner, to be inserted.
MERGE INTO {{ events }} AS t
USING (
  SELECT CAST(NULL AS INT64) AS mf__touched, {{ x.published_select('c', 'c.mf__day') }}
  FROM {{ copies }} AS c
  WHERE c.mf__row_num = 1 AND {{ x.batch_in_days('c') }}
    AND c.mf__id IN (SELECT i.mf__id FROM {{ touched }} AS i WHERE i.mf__id IS NOT NULL)
  UNION ALL
  SELECT i.mf__id, {{ x.published_nulls('events') }}
  FROM (SELECT DISTINCT u.mf__id FROM {{ touched }} AS u WHERE {{ x.batch_in_days('u') }} AND u.mf__id IS NOT NULL) AS i
) AS n
ON {{ x.published_in_days('t') }} AND {{ x.id_hash('t', 't.partition_date') }} = n.mf__touched
WHEN MATCHED THEN DELETE
WHEN NOT MATCHED AND n.mf__touched IS NULL THEN
  INSERT ({{ x.published('events') }}) VALUES ({{ x.published('events', 'n') }})
