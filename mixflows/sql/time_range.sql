-- One row: the least and the greatest event time of the source that belong to a day, in microseconds since 1970; NULL without any.
SELECT MIN({{ x.time_us('s') }}) AS first_us, MAX({{ x.time_us('s') }}) AS last_us
FROM {{ source }} AS s
