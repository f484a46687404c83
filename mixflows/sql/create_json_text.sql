-- Writes a JSON value as text for the fingerprint: keys sorted, members that are null left out.
CREATE FUNCTION IF NOT EXISTS {{ json_text }}(value JSON) RETURNS STRING AS (
  TO_JSON_STRING(JSON_STRIP_NULLS(value, include_arrays => FALSE))
)
