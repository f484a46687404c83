-- One row per partition of the source, from metadata alone: rows, when it was last modified, where that is offered, and now.
SELECT p.*, CURRENT_TIMESTAMP() AS read_at FROM {{ source_partitions }} AS p WHERE p.table_name = @table_name
