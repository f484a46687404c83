-- Adds the events of touched ids whose key is not published yet, for days on which no other event changed; reads the target's keys
-- alone. Keys are compared by their hash: a key that was taken for another one is missing when the day is counted.
-- The days are constants on the target, so that partitions prune. Grain of the input: one row per winner.
MERGE INTO {{ events }} AS t
USING (
  SELECT {{ x.published_select('c', 'c.mf__day') }}
  FROM {{ copies }} AS c
  WHERE c.mf__row_num = 1 AND {{ x.batch_in_days('c') }}
    AND c.mf__id IN (SELECT i.mf__id FROM {{ touched }} AS i WHERE i.mf__id IS NOT NULL)
) AS n
ON {{ x.published_in_days('t') }} AND {{ x.key_hash('t', 't.partition_date') }} = {{ x.key_hash('n', 'n.partition_date') }}
WHEN NOT MATCHED THEN
  INSERT ({{ x.published('events') }}) VALUES ({{ x.published('events', 'n') }})
