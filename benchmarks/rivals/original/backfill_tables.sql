-- Both tables of the original backfill, empty.
CREATE TABLE mp_events AS SELECT * FROM mp_master_event LIMIT 0;
CREATE TABLE processed_keys (mp_insert_id VARCHAR)
