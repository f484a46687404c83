-- One row if a copy that only the source has, and one that only the delivery has, differ in the fraction of their second alone.
-- Inputs: the source's rows of the slot and the delivered ones, on narrow columns.
SELECT 1 AS found
FROM {{ source }} AS s
JOIN {{ incoming }} AS n ON {{ slot.second('n') }} = {{ slot.second('s') }}
WHERE {{ slot.has('s') }}
  AND {{ slot.copy('s') }} NOT IN (SELECT {{ slot.copy('i') }} FROM {{ incoming }} AS i)
  AND {{ slot.copy('n') }} NOT IN (SELECT {{ slot.copy('h') }} FROM {{ source }} AS h WHERE {{ slot.has('h') }})
LIMIT 1
