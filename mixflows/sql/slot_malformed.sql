-- One row per malformed line of the delivery, and of landings that have some of its days; `mf__is_replaced`: the delivery brings it,
-- or makes it go. All lines of slots and files within the slot go; of other landings, as many as have come again with the same text.
-- Inputs: the landing log and malformed lines. Ties: the first lines, in the order of their landings.
CREATE OR REPLACE {{ temporary }}TABLE {{ slot_malformed }} {{ stage_options }} AS
WITH known AS (
  SELECT
    l.file_name, l.landed_at,
    COALESCE(
      l.first_day >= @first_day AND l.last_day <= @last_day,
      l.project_timezone = @project_timezone AND NOT EXISTS (
        SELECT 1 FROM UNNEST(l.rows_per_day) AS d
        WHERE d.partition_date IS NULL OR STRPOS(@inside_days, CAST(d.partition_date AS STRING)) = 0
      ),
      FALSE
    ) AS is_within
  FROM {{ landings }} AS l
  WHERE l.first_day <= @last_day AND l.last_day >= @first_day
    OR l.first_day IS NULL AND EXISTS (
      SELECT 1 FROM UNNEST(l.rows_per_day) AS d WHERE STRPOS(@known_days, CAST(d.partition_date AS STRING)) > 0
    )
),
of_both AS (
  SELECT m.raw_line, m.reason, m.file_name, m.line_number, m.landed_at, FALSE AS mf__is_new, k.is_within
  FROM {{ malformed }} AS m
  JOIN known AS k ON k.file_name = m.file_name AND k.landed_at = m.landed_at
  UNION ALL
  SELECT n.raw_line, n.reason, n.file_name, n.line_number, n.landed_at, TRUE, FALSE
  FROM {{ incoming_malformed }} AS n
),
numbered AS (
  SELECT
    b.*,
    ROW_NUMBER() OVER (
      PARTITION BY b.raw_line, b.mf__is_new, b.is_within ORDER BY b.landed_at, b.file_name, b.line_number
    ) AS mf__nth,
    SUM(CASE WHEN b.mf__is_new THEN 1 WHEN b.is_within THEN -1 ELSE 0 END) OVER (PARTITION BY b.raw_line) AS mf__surplus
  FROM of_both AS b
)
SELECT
  n.raw_line, n.reason, n.file_name, n.line_number, n.landed_at, n.mf__is_new,
  n.mf__is_new OR n.is_within OR n.mf__nth <= n.mf__surplus AS mf__is_replaced
FROM numbered AS n
