-- One row per day of the source (and one with a NULL day for rows that belong to none): rows that are not gone, what tells a change, and now.
-- Reads the day and the last landing only, never the events.
SELECT d.mf__day AS day, {{ 'SUM(CASE WHEN d.gone_since IS NULL THEN 1 ELSE 0 END)' if columns.marks_gone else 'COUNT(*)' }} AS source_rows, {{ x.last_landed('d') }} AS last_landed, CURRENT_TIMESTAMP() AS read_at
FROM (
  SELECT s.*, {{ x.day('s') }} AS mf__day
  FROM {{ source }} AS s
) AS d
GROUP BY d.mf__day
ORDER BY d.mf__day
