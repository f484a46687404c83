-- The second: the keys that every later day is joined with.
INSERT INTO processed_keys
SELECT DISTINCT mp_insert_id FROM mp_master_event WHERE CAST(time AS DATE) = $day
