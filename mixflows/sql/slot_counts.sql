-- One row per class of copies and day: how many there are, and how many of them take over another distinct id.
-- Inputs: the copies of touched events, by their class; and, as `added`, the delivered ones of events that the source has no copy of:
-- with the flag `added` only these.
SELECT c.mf__class AS class, c.mf__day AS day, COUNT(*) AS copies, SUM(CASE WHEN c.mf__follows THEN 1 ELSE 0 END) AS followers
FROM (
  {% if 'added' not in flags %}
  SELECT r.mf__class, r.mf__day, r.mf__follows FROM {{ slot_rows }} AS r
  UNION ALL
  {% endif %}
  SELECT 'added' AS mf__class, {{ x.day('n') }} AS mf__day, FALSE AS mf__follows FROM {{ incoming }} AS n
  WHERE {{ slot.event('n') }} IN (SELECT e.mf__event FROM {{ slot_touched }} AS e WHERE e.mf__is_new)
) AS c
GROUP BY c.mf__class, c.mf__day
ORDER BY day, class
