-- One row per day that differs from what is published of it: how many copies are new, restated or gone, of how many ids,
-- and how many events too many its keys have.
-- Copies pair as `pair_hash` says: what is left over on both sides is restated, on one side new or gone.
SELECT
  t.mf__day AS day,
  COUNT(DISTINCT t.mf__id) AS touched_ids,
  SUM(CASE WHEN t.mf__id IS NULL THEN 1 ELSE 0 END) AS pairs_without_id,
  SUM(CASE WHEN t.mf__more > t.mf__fewer THEN t.mf__more - t.mf__fewer ELSE 0 END) AS new_copies,
  SUM(CASE WHEN t.mf__more > t.mf__fewer THEN t.mf__fewer ELSE t.mf__more END) AS paired_copies,
  SUM(CASE WHEN t.mf__fewer > t.mf__more THEN t.mf__fewer - t.mf__more ELSE 0 END) AS vanished_copies,
  SUM(
    CASE
      WHEN t.mf__fewer <= t.mf__more THEN 0
      WHEN t.mf__surplus < t.mf__fewer - t.mf__more THEN t.mf__surplus
      ELSE t.mf__fewer - t.mf__more
    END
  ) AS surplus_copies,
  SUM(t.mf__twice) AS twice_keys
FROM {{ touched }} AS t
GROUP BY t.mf__day
