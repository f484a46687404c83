-- View, one row per day and run that changed what is published of it: when, and by how many rows.
-- A day found unchanged counts where the rules changed: its rows may have come from another day, as after a change of the time zone.
-- Order of runs: as in ledger_days.sql.
CREATE OR REPLACE VIEW {{ changed_days_view }} AS
SELECT
  r.partition_date AS day, r.finished_at AS published_at, r.inserted_rows, r.updated_rows, r.restated_rows, r.deleted_rows, r.run_id
FROM (
  SELECT
    l.*,
    LAG(l.rules_version) OVER (PARTITION BY l.partition_date ORDER BY l.finished_at, l.attempt, l.run_id) AS rules_before
  FROM {{ ledger }} AS l
  WHERE l.status IN ('published', 'unchanged')
) AS r
WHERE r.status = 'published' OR r.rules_version IS DISTINCT FROM r.rules_before
