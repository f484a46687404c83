-- One row: how many rows each table holds.
SELECT
  (SELECT COUNT(*) FROM {{ source }}) AS source_rows,
  (SELECT COUNT(*) FROM {{ malformed }}) AS malformed_rows,
  (SELECT COUNT(*) FROM {{ events }}) AS event_rows,
  (SELECT COUNT(*) FROM {{ rejected }}) AS rejected_rows
