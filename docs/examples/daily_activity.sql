-- One row per published day: its events and users, and the publication that they were counted from.
CREATE TABLE IF NOT EXISTS daily_activity AS
SELECT c.day, 0 AS events, 0 AS users, c.published_at AS built_from
FROM mp_changed_days AS c
WHERE FALSE;

-- Counts the days that were published since they were counted last. A day of which every event is gone has 0.
MERGE INTO daily_activity AS t
USING (
  SELECT d.day, COUNT(e.partition_date) AS events, COUNT(DISTINCT e.distinct_id) AS users, d.published_at AS built_from
  FROM (
    SELECT c.day, MAX(c.published_at) AS published_at FROM mp_changed_days AS c GROUP BY c.day
    EXCEPT DISTINCT
    SELECT a.day, a.built_from FROM daily_activity AS a
  ) AS d
  LEFT JOIN mp_events AS e ON e.partition_date = d.day
  GROUP BY d.day, d.published_at
) AS s
ON t.day = s.day
WHEN MATCHED THEN UPDATE SET events = s.events, users = s.users, built_from = s.built_from
WHEN NOT MATCHED THEN INSERT (day, events, users, built_from) VALUES (s.day, s.events, s.users, s.built_from);
