-- One row: how many malformed lines there are.
SELECT COUNT(*) AS malformed_rows FROM {{ malformed }}
