-- One row per range of whole days of which a delivery has lacked copies. Input: the landing log.
SELECT DISTINCT l.first_day, l.last_day
FROM {{ landings }} AS l
WHERE l.gone_rows > 0
