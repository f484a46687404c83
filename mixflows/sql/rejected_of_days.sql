-- One row per rejected copy of days, as it is published; for people to copy.
-- Inputs: the rejected copies.
SELECT r.*
FROM {{ rejected }} AS r
WHERE {{ x.published_in_days('r') }}
ORDER BY r.rejection_reason, r.row_num
