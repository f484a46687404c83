-- One row per insert id, without rows that have none told apart; from the staging table.
CREATE TABLE mp_events AS
SELECT * EXCLUDE (row_num) FROM stg_mp_dedup_events WHERE row_num = 1
