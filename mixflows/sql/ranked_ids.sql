-- One row per insert id, by its hash, whose copies of the batch's days need ranking: it was delivered more than once in a day or,
-- with the flag `touched`, it differs from what is published of a delta day, or the source has fewer copies of it.
-- Input: the source days, on narrow columns alone, so that wide rows are neither sorted nor shuffled. Ids that share a hash come
-- along, and are told apart by ranking.
SELECT {{ x.id_hash('s', x.day('s')) }} AS mf__id
FROM {{ source }} AS s{{ as_of }}
WHERE {{ x.in_days('s') }} AND {{ x.is_keyed('s') }}
GROUP BY mf__id
HAVING COUNT(*) > 1
{% if 'touched' in flags %}
UNION DISTINCT
SELECT t.mf__id
FROM {{ touched }} AS t
JOIN {{ days }} AS d ON d.mf__day = t.mf__day
WHERE t.mf__id IS NOT NULL AND (d.mf__delta OR t.mf__fewer > t.mf__more)
{% endif %}
