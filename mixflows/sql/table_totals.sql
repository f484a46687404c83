-- One row: how many rows each table holds; of the source, without copies that are gone. Partitioned tables may refuse a statement without a day: all days are asked for.
SELECT
  (SELECT COUNT(*) FROM {{ source }} AS s WHERE {{ x.any_day('s') }}{{ ' AND s.gone_since IS NULL' if columns.marks_gone }}) AS source_rows,
  (SELECT COUNT(*) FROM {{ malformed }}) AS malformed_rows,
  (SELECT COUNT(*) FROM {{ events }} WHERE partition_date >= DATE '0001-01-01') AS event_rows,
  (SELECT COUNT(*) FROM {{ rejected }} WHERE partition_date >= DATE '0001-01-01') AS rejected_rows
