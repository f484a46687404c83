-- One row per partition of the source, from metadata alone: rows, and when it was last modified, where that is offered.
SELECT p.* FROM {{ source_partitions }} AS p WHERE p.table_name = @table_name
