-- One row per copy of the touched events that the source already had some of, as it is to be: what the delivery restates as it is delivered,
-- what it lacks with the mark of gone copies. `mf__class`:
--   same      in both; stays as it is             restated  in both with another content; as delivered
--   new       only delivered                      back      was gone and is delivered
--   gone      the delivery lacks it               kept      was gone, and the delivery still lacks it
-- Inputs: all columns of these events in the source's slot and in the delivery.
-- Ties: among equal copies those with equal content pair first; then those with equal content but for the distinct id, which an identity
-- merge rewrites in all of them; then any. Each time live ones come before gone ones, then the order of the fingerprint decides, then
-- what tells of the copy alone, at last a hash of the row, which is one engine's own.
-- One copy may be there millions of times, and one worker gets them all: only narrow columns are sorted, and of equal rows their number.
CREATE OR REPLACE {{ temporary }}TABLE {{ slot_rows }} {{ stage_options }} AS
WITH of_both AS (
  {% for table, t, is_new in [(source, 's', 'FALSE'), (incoming, 'n', 'TRUE')] %}
  {{ 'UNION ALL' if not loop.first }}
  SELECT {{ slot.columns(t) }}, {{ 's.gone_since' if t == 's' else 'CAST(NULL AS TIMESTAMP)' }} AS gone_since, {{ is_new }} AS mf__is_new
  FROM {{ table }} AS {{ t }}
  WHERE {{ slot.has(t) }}
    AND {{ slot.event(t) }} IN (SELECT e.mf__event FROM {{ slot_touched }} AS e WHERE NOT e.mf__is_new)
  {% endfor %}
),
described AS (
  SELECT
    b.*,
    {{ slot.copy('b') }} AS mf__copy, {{ x.day('b') }} AS mf__day, {{ x.key_hash('b', x.day('b')) }} AS mf__key,
    {{ x.fingerprint('b') }} AS mf__fingerprint, {{ x.lasting_hash('b') }} AS mf__lasting, {{ x.version_us('b') }} AS mf__version_us,
    {{ x.rest('b') }} AS mf__rest, {{ slot.row_hash('b') }} AS mf__stored
  FROM of_both AS b
),
{% set narrow = 'd.mf__copy, d.mf__stored, d.mf__key, d.mf__day, d.mf__is_new, d.gone_since, d.mf__fingerprint, d.mf__lasting,'
  ' d.mf__version_us, d.mf__rest' %}
distinct_rows AS (
  SELECT
    {% for column in columns.columns %}
    ANY_VALUE(d.{{ quote(column.name) }}) AS {{ quote(column.name) }},
    {% endfor %}
    {{ narrow }}, COUNT(*) AS mf__number
  FROM described AS d
  GROUP BY {{ narrow }}
),
left_0 AS (
  SELECT
    {{ narrow }}, {{ x.distinct_id('d') }} AS mf__identity, d.gone_since IS NOT NULL AS mf__gone, d.mf__number,
    d.mf__number AS mf__left_0
  FROM distinct_rows AS d
),
{% set order = 'l.mf__gone, l.mf__fingerprint, l.gone_since, l.mf__version_us, l.mf__rest, l.mf__stored' %}
-- On each level, what the one before left is numbered on both sides; copies with equal numbers are a pair.
{% for equal in ['l.mf__copy, l.mf__fingerprint', 'l.mf__copy, l.mf__lasting', 'l.mf__copy'] %}
{% set level, left = loop.index, 'mf__left_' ~ loop.index0 %}
{% set in_order = 'PARTITION BY ' ~ equal ~ ' ORDER BY ' ~ order %}
{% set in_all = in_order ~ ' ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING' %}
{% macro copies(test, over) %}SUM(CASE WHEN {{ test }} THEN l.{{ left }} ELSE 0 END) OVER ({{ over }}){% endmacro %}
numbered_{{ level }} AS (
  SELECT
    l.*,
    CASE WHEN l.mf__is_new THEN {{ copies('l.mf__is_new', in_order) }} ELSE {{ copies('NOT l.mf__is_new', in_order) }} END AS mf__last_{{ level }},
    {{ copies('NOT l.mf__is_new AND NOT l.mf__gone', in_all) }} AS mf__live_{{ level }},
    CASE WHEN l.mf__is_new THEN {{ copies('NOT l.mf__is_new', in_all) }} ELSE {{ copies('l.mf__is_new', in_all) }} END AS mf__pairs
  FROM left_{{ level - 1 }} AS l
),
left_{{ level }} AS (
  SELECT n.* EXCEPT (mf__pairs), LEAST(n.{{ left }}, GREATEST(n.mf__last_{{ level }} - n.mf__pairs, 0)) AS mf__left_{{ level }}
  FROM numbered_{{ level }} AS n
),
{% endfor %}
-- One row per copy. Of equal ones, the last are left longest.
classed AS (
  SELECT
    l.mf__copy, l.mf__stored, l.mf__key, l.mf__identity, l.mf__gone, l.mf__left_2 < mf__left AS mf__is_lasting,
    l.mf__lasting, CASE WHEN mf__left > l.mf__left_2 THEN l.mf__last_2 ELSE l.mf__last_3 END - mf__left AS mf__nth,
    CASE
      WHEN mf__left > l.mf__left_1 THEN CASE WHEN l.mf__is_new THEN 'repeated' WHEN l.mf__gone THEN 'back' ELSE 'same' END
      WHEN mf__left > l.mf__left_3 AND NOT l.mf__is_new THEN 'replaced'
      WHEN mf__left > l.mf__left_2 THEN CASE WHEN l.mf__last_2 - mf__left < l.mf__live_2 THEN 'restated' ELSE 'back' END
      WHEN mf__left > l.mf__left_3 THEN CASE WHEN l.mf__last_3 - mf__left < l.mf__live_3 THEN 'restated' ELSE 'back' END
      WHEN l.mf__is_new THEN 'new'
      {% if slot.keeps %}
      WHEN l.mf__gone THEN 'kept'
      {% endif %}
      ELSE 'gone'
    END AS mf__class
  FROM left_3 AS l
  CROSS JOIN UNNEST(GENERATE_ARRAY(1, l.mf__number)) AS mf__left
){% if slot.follows %},
-- A copy that is gone, of an event whose live copies all have another distinct id now, goes with it. Without that, a copy that
-- Mixpanel compacted would become an event of its own, under the identity before the merge.
moved AS (
  SELECT o.mf__key, MIN(n.mf__identity) AS mf__identity
  FROM classed AS o
  JOIN classed AS n ON n.mf__copy = o.mf__copy AND n.mf__is_lasting = o.mf__is_lasting AND n.mf__nth = o.mf__nth
  WHERE o.mf__class = 'replaced' AND NOT o.mf__gone AND n.mf__class = 'restated'
    AND (n.mf__lasting = o.mf__lasting OR NOT o.mf__is_lasting)
    AND o.mf__key NOT IN (SELECT d.mf__key FROM left_0 AS d WHERE d.mf__is_new)
  GROUP BY o.mf__key
){% endif %}
SELECT
  {% for column in columns.columns %}
  {{ slot.written(column) }} AS {{ quote(column.name) }},
  {% endfor %}
  CASE c.mf__class WHEN 'gone' THEN @landed_at WHEN 'kept' THEN r.gone_since END AS gone_since,
  r.mf__day, c.mf__class, {{ slot.is_follower }} AS mf__follows
FROM classed AS c
JOIN distinct_rows AS r ON r.mf__copy = c.mf__copy AND r.mf__stored = c.mf__stored
{% if slot.follows %}
LEFT JOIN moved AS m ON m.mf__key = c.mf__key AND c.mf__class IN ('gone', 'kept')
{% endif %}
WHERE c.mf__class NOT IN ('repeated', 'replaced')
