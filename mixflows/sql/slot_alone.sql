-- Fails if another process has landed anything since the log was read, so that the transaction that it is part of writes nothing.
SELECT CASE WHEN COUNT(*) <> @landings THEN ERROR('another process has landed files meanwhile') END AS failed
FROM {{ landings }} AS l
