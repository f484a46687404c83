-- One row per partition of the published tables, from metadata alone: rows.
SELECT p.table_name, p.partition_id, p.total_rows
FROM {{ published_partitions }} AS p
WHERE p.table_name IN (@events, @rejected)
