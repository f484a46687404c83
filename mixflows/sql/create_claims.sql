-- One row: all claims of days, as JSON by day with holder and expiry, and a version that every change moves.
CREATE TABLE IF NOT EXISTS {{ claims }} AS SELECT 0 AS version, '{}' AS claims
