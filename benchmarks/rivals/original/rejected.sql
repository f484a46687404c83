-- Built anew every day by a join on the insert id: for n copies n(n-1) rows, the kept one among them.
CREATE OR REPLACE TABLE mp_rejected_events AS
SELECT s.*, 'Duplicate event' AS rejection_reason, now() AS rejection_timestamp
FROM stg_mp_dedup_events AS s
JOIN stg_mp_dedup_events AS duplicates ON s.mp_insert_id = duplicates.mp_insert_id AND duplicates.row_num > 1
