-- One row per day that has any event: how many staged events another table lacks, and how many it has besides, as multisets of the
-- columns that both have.
-- Inputs: the staged days, and the other table: its name is the first flag, the shared columns are the others.
{% set names = flags[1:] %}
{# A day of ingestion is the source's alone; a kept event's time lies in its day. #}
{% set by_time = columns.day and columns.day not in columns.columns %}
SELECT
  c.mf__day AS day,
  SUM(CASE WHEN c.side > 0 THEN c.side ELSE 0 END) AS only_staged,
  SUM(CASE WHEN c.side < 0 THEN -c.side ELSE 0 END) AS only_other
FROM (
  SELECT b.mf__day, b.mf__row, SUM(b.side) AS side
  FROM (
    SELECT s.mf__day, {{ x.shared_hash('s', names) }} AS mf__row, 1 AS side
    FROM {{ stage }} AS s
    WHERE s.row_num = 1 AND {{ x.batch_in_days('s') }}
    UNION ALL
    SELECT {{ x.day_of_time('o') if by_time else x.day('o') }}, {{ x.shared_hash('o', names) }}, -1
    FROM {{ quote(flags[0]) }} AS o
    WHERE {{ x.day_of_time('o') ~ ' IS NOT NULL' if by_time else x.in_days('o') }}
  ) AS b
  GROUP BY b.mf__day, b.mf__row
) AS c
GROUP BY c.mf__day
