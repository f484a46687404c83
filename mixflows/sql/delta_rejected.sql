-- The same for the rejected copies of touched ids. Input: the rows that were prepared.
MERGE INTO {{ rejected }} AS t
USING (
  SELECT CAST(NULL AS INT64) AS mf__touched, {{ x.published('rejected', 'r') }}
  FROM {{ rejected_next }} AS r
  WHERE {{ x.published_in_days('r') }}
  UNION ALL
  SELECT i.mf__id, {{ x.published_nulls('rejected') }}
  FROM (SELECT DISTINCT u.mf__id FROM {{ touched }} AS u WHERE {{ x.batch_in_days('u') }} AND u.mf__id IS NOT NULL) AS i
) AS n
ON {{ x.published_in_days('t') }} AND {{ x.id_hash('t', 't.partition_date') }} = n.mf__touched
WHEN MATCHED THEN DELETE
WHEN NOT MATCHED AND n.mf__touched IS NULL THEN
  INSERT ({{ x.published('rejected') }}) VALUES ({{ x.published('rejected', 'n') }})
