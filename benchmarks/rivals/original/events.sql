-- The last three days against the whole target. NOT EXISTS leaves no row for the update branch.
MERGE INTO mp_events AS e
USING (
  SELECT * EXCLUDE (row_num)
  FROM stg_mp_dedup_events AS s
  WHERE s.row_num = 1
    AND s.time >= (SELECT MAX(time) FROM stg_mp_dedup_events) - INTERVAL 3 DAY
    AND NOT EXISTS (SELECT 1 FROM mp_events AS known WHERE known.mp_insert_id = s.mp_insert_id)
) AS s
ON e.mp_insert_id = s.mp_insert_id
WHEN MATCHED THEN UPDATE SET properties = s.properties
WHEN NOT MATCHED THEN INSERT BY NAME
