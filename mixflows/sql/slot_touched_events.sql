-- One row: how many of the touched events the source has copies of, and how many only the delivery has.
-- Inputs: the touched events. Where the source has none of them, no other column of its rows needs to be read.
SELECT
  COALESCE(SUM(CASE WHEN e.mf__is_new THEN 0 ELSE 1 END), 0) AS held_events,
  COALESCE(SUM(CASE WHEN e.mf__is_new THEN 1 ELSE 0 END), 0) AS new_events
FROM {{ slot_touched }} AS e
