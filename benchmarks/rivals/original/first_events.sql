CREATE TABLE mp_events AS
SELECT * EXCLUDE (row_num) FROM stg_mp_dedup_events WHERE row_num = 1
