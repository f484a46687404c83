-- Inserts delivered copies, side by side by day: all of them, into a slot of which the source has nothing; with the flag `touched`
-- those of touched events, of which the source has no copy.
INSERT INTO {{ source }} ({{ slot.names() }})
SELECT {{ slot.columns('n') }}
FROM {{ incoming }} AS n
{% if 'touched' in flags %}
WHERE {{ slot.event('n') }} IN (SELECT e.mf__event FROM {{ slot_touched }} AS e)
{% endif %}
ORDER BY {{ x.day('n') }}
