-- One row per day of a slot, by the clock of its export: the copies that the source holds and that the delivery has, how many of
-- either have a time between two whole seconds, the source's live events, and those of them that the delivery lacks.
-- Inputs: the source's rows of the slot and the delivered ones, on narrow columns. An event is a key without the distinct id.
WITH copies_of_both AS (
  SELECT
    {{ slot.export_day('s') }} AS mf__export_day, {{ slot.event('s') }} AS mf__event,
    1 AS held, {{ slot.has_fraction('s') }} AS held_fraction,
    CASE WHEN s.gone_since IS NULL THEN 1 ELSE 0 END AS live, 0 AS delivered, 0 AS delivered_fraction
  FROM {{ source }} AS s
  WHERE {{ slot.has('s') }}
  UNION ALL
  SELECT {{ slot.export_day('n') }}, {{ slot.event('n') }}, 0, 0, 0, 1, {{ slot.has_fraction('n') }}
  FROM {{ incoming }} AS n
),
events_of_both AS (
  SELECT
    c.mf__export_day, SUM(c.held) AS held, SUM(c.live) AS live, SUM(c.delivered) AS delivered,
    SUM(c.held_fraction) AS held_fractions, SUM(c.delivered_fraction) AS delivered_fractions
  FROM copies_of_both AS c
  GROUP BY c.mf__export_day, c.mf__event
)
SELECT
  e.mf__export_day AS day,
  SUM(e.held) AS held_rows,
  SUM(e.delivered) AS delivered_rows,
  SUM(e.held_fractions) AS held_fractions,
  SUM(e.delivered_fractions) AS delivered_fractions,
  SUM(CASE WHEN e.live > 0 THEN 1 ELSE 0 END) AS live_events,
  SUM(CASE WHEN e.live > 0 AND e.delivered = 0 THEN 1 ELSE 0 END) AS lost_events
FROM events_of_both AS e
GROUP BY e.mf__export_day
ORDER BY day
