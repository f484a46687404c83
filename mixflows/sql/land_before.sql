-- One row: what the landing log says before a file is landed. Input: the landing log.
SELECT
  COUNT(*) AS landings,
  COUNT(CASE WHEN l.feed = 'mixpanel' THEN 1 END) AS fetched,
  COUNT(CASE WHEN l.project_timezone IS DISTINCT FROM @zone THEN 1 END) AS stale,
  MAX(l.landed_at) AS last_landed_at,
  (
    SELECT k.file_name FROM {{ landings }} AS k WHERE k.content_hash = @content_hash ORDER BY k.landed_at DESC LIMIT 1
  ) AS known_as,
  MAX(CASE WHEN l.content_hash = @content_hash THEN l.landed_at END) AS known_at
FROM {{ landings }} AS l
