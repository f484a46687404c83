-- One row per day that has some: the source's copies that are gone. Reads two narrow columns of days that are known to have had some.
SELECT {{ x.day('s') }} AS day, COUNT(*) AS gone_rows
FROM {{ source }} AS s
WHERE {{ x.in_days('s') }} AND s.gone_since IS NOT NULL
GROUP BY day
