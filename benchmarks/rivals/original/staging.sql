-- Every row of the history, numbered within its insert id: built anew every day. Which copy is number 1 is up to chance.
CREATE OR REPLACE TABLE stg_mp_dedup_events AS
SELECT *, ROW_NUMBER() OVER (PARTITION BY mp_insert_id ORDER BY mp_insert_id) AS row_num
FROM mp_master_event
