-- One row: how many malformed lines come or go, how many texts with their reasons do not come as often as they go, and how often the
-- slot's days were landed as these days before.
SELECT
  COALESCE(SUM(l.lines_of_both), 0) AS replaced_lines,
  COALESCE(SUM(CASE WHEN l.surplus <> 0 THEN 1 ELSE 0 END), 0) AS differing_lines,
  (SELECT COUNT(*) FROM {{ landings }} AS d WHERE d.first_day = @first_day AND d.last_day = @last_day) AS deliveries
FROM (
  SELECT COUNT(*) AS lines_of_both, SUM(CASE WHEN m.mf__is_new THEN 1 ELSE -1 END) AS surplus
  FROM {{ slot_malformed }} AS m
  WHERE m.mf__is_replaced
  GROUP BY m.raw_line, m.reason
) AS l
