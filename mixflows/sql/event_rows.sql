-- One row per event of the day, as `mp_events` is to hold it: the kept copies of the staged day and, where deletions in
-- the source are kept out, published events that the source no longer has.
SELECT {{ x.published_select('s') }}
FROM {{ stage }} AS s
WHERE s.row_num = 1
{% if pipeline.source_deletes == 'keep' %}
UNION ALL
SELECT {{ x.published_select('e') }}
FROM {{ events }} AS e
WHERE e.partition_date = @day AND {{ x.has_id('e') }}
  AND NOT EXISTS (SELECT 1 FROM {{ stage }} AS s WHERE s.row_num = 1 AND {{ x.same_key('s', 'e') }})
{% if pipeline.missing_insert_id == 'keep' %}
UNION ALL
SELECT {{ x.published_select('e') }}
FROM (
  SELECT {{ x.columns('u') }}, u.content, ROW_NUMBER() OVER (PARTITION BY u.content ORDER BY u.content) AS ordinal
  FROM (
    SELECT {{ x.columns('v') }} {{- x.own_content('v', x.fingerprint('v')) }}
    FROM {{ events }} AS v
    WHERE v.partition_date = @day AND NOT ({{ x.has_id('v') }})
  ) AS u
) AS e
LEFT JOIN (
  SELECT k.content, COUNT(*) AS copies
  FROM (
    SELECT s.row_num {{- x.own_content('s', 's.fingerprint') }}
    FROM {{ stage }} AS s
    WHERE s.row_num = 1 AND NOT ({{ x.has_id('s') }})
  ) AS k
  GROUP BY k.content
) AS c ON c.content = e.content
WHERE e.ordinal > COALESCE(c.copies, 0)
{% endif %}
{% endif %}
