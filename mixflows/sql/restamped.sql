-- One row: how many rows of a sample of a file were landed before with a time less than a second away. Reads insert ids and
-- times of the days that the sample lies in.
SELECT COUNT(DISTINCT n.nth) AS restamped_rows
FROM UNNEST(@sample) AS n
JOIN {{ source }} AS s ON {{ x.id('s') }} = n.insert_id
WHERE {{ x.in_days('s') }} AND ABS({{ x.time_us('s') }} - n.time_us) BETWEEN 1 AND 999999
