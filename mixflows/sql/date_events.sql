-- Moves published events whose event time lies in another of the statement's days than they stand in, as after a change of the
-- project's time zone. Only where the day is found from the event time.
UPDATE {{ events }} AS t
SET partition_date = {{ x.day_of_time('t') }}
WHERE {{ x.published_in_days('t') }} AND t.partition_date <> {{ x.day_of_time('t') }}
