-- The first of two statements for a day: a crash after it reloads the day.
INSERT INTO mp_events
SELECT d.* EXCLUDE (row_num)
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY mp_insert_id ORDER BY mp_insert_id) AS row_num
  FROM mp_master_event
  WHERE CAST(time AS DATE) = $day
) AS d
LEFT JOIN processed_keys AS p ON p.mp_insert_id = d.mp_insert_id
WHERE d.row_num = 1 AND p.mp_insert_id IS NULL
