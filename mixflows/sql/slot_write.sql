-- Replaces the rows of touched events, and no others: all that the source has of them go, and come as they are to be.
-- The days are constants on the target, so that partitions prune. Grain of the input: one row per touched event that the source has, to
-- be deleted, and one per copy that is to be there, to be inserted.
MERGE INTO {{ source }} AS t
USING (
  SELECT CAST(NULL AS INT64) AS mf__touched, {{ slot.columns('r') }}, r.gone_since
  FROM {{ slot_rows }} AS r
  {% if not slot.keeps %}
  WHERE r.mf__class <> 'gone'
  {% endif %}
  UNION ALL
  SELECT CAST(NULL AS INT64), {{ slot.columns('n') }}, CAST(NULL AS TIMESTAMP)
  FROM {{ incoming }} AS n
  WHERE {{ slot.event('n') }} IN (SELECT e.mf__event FROM {{ slot_touched }} AS e WHERE e.mf__is_new)
  UNION ALL
  SELECT e.mf__event, {{ slot.nulls() }}, NULL
  FROM {{ slot_touched }} AS e
  WHERE NOT e.mf__is_new
) AS n
ON {{ slot.has('t') }} AND {{ slot.event('t') }} = n.mf__touched
WHEN MATCHED THEN DELETE
WHEN NOT MATCHED AND n.mf__touched IS NULL THEN
  INSERT ({{ slot.names() }}, gone_since) VALUES ({{ slot.columns('n') }}, n.gone_since)
