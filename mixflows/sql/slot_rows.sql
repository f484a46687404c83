-- One row per copy of the touched events that the source already had some of, as it is to be: what the delivery restates as it is delivered,
-- what it lacks with the mark of gone copies. `mf__class`:
--   same      in both; stays as it is             restated  in both with another content; as delivered
--   new       only delivered                      back      was gone and is delivered
--   gone      the delivery lacks it               kept      was gone, and the delivery still lacks it
-- Inputs: all columns of these events in the source's slot and in the delivery.
-- Ties: among equal copies those with equal content pair first, then in order of the fingerprint; live ones before gone ones. Copies
-- that are equal in all of that differ in what tells of the copy alone, and any order of these is total; see `slot.order`.
CREATE OR REPLACE {{ temporary }}TABLE {{ slot_rows }} {{ stage_options }} AS
WITH copies_of_both AS (
  {% for table, t, is_new in [(source, 's', 'FALSE'), (incoming, 'n', 'TRUE')] %}
  {{ 'UNION ALL' if not loop.first }}
  SELECT
    {{ slot.columns(t) }}, {{ 's.gone_since' if t == 's' else 'CAST(NULL AS TIMESTAMP)' }} AS gone_since,
    {{ is_new }} AS mf__is_new, {{ slot.event(t) }} AS mf__event, {{ slot.copy(t) }} AS mf__copy,
    {{ x.key_hash(t, x.day(t)) }} AS mf__key, {{ x.day(t) }} AS mf__day, {{ x.fingerprint(t) }} AS mf__fingerprint
  FROM {{ table }} AS {{ t }}
  WHERE {{ slot.has(t) }}
    AND {{ slot.event(t) }} IN (SELECT e.mf__event FROM {{ slot_touched }} AS e WHERE NOT e.mf__is_new)
  {% endfor %}
),
numbered AS (
  SELECT
    c.*, c.gone_since IS NOT NULL AS mf__gone,
    ROW_NUMBER() OVER (
      PARTITION BY c.mf__copy, c.mf__fingerprint, c.mf__is_new ORDER BY c.gone_since IS NOT NULL, {{ slot.order('c') }}
    ) AS mf__nth,
    SUM(CASE WHEN c.mf__is_new THEN 1 ELSE 0 END) OVER (PARTITION BY c.mf__copy, c.mf__fingerprint) AS mf__delivered,
    SUM(CASE WHEN c.mf__is_new THEN 0 ELSE 1 END) OVER (PARTITION BY c.mf__copy, c.mf__fingerprint) AS mf__held
  FROM copies_of_both AS c
),
paired AS (
  SELECT n.*, n.mf__nth <= CASE WHEN n.mf__is_new THEN n.mf__held ELSE n.mf__delivered END AS mf__is_paired
  FROM numbered AS n
),
left_over AS (
  SELECT
    p.* EXCEPT (mf__nth, mf__delivered, mf__held),
    ROW_NUMBER() OVER (
      PARTITION BY p.mf__copy, p.mf__is_new, p.mf__is_paired ORDER BY p.mf__gone, p.mf__fingerprint, {{ slot.order('p') }}
    ) AS mf__nth,
    SUM(CASE WHEN p.mf__is_paired OR NOT p.mf__is_new THEN 0 ELSE 1 END) OVER (PARTITION BY p.mf__copy) AS mf__delivered,
    SUM(CASE WHEN p.mf__is_paired OR p.mf__is_new THEN 0 ELSE 1 END) OVER (PARTITION BY p.mf__copy) AS mf__held,
    SUM(CASE WHEN p.mf__is_paired OR p.mf__is_new OR p.mf__gone THEN 0 ELSE 1 END) OVER (PARTITION BY p.mf__copy) AS mf__live
  FROM paired AS p
),
classed AS (
  SELECT
    l.*,
    CASE
      WHEN l.mf__is_new AND l.mf__is_paired THEN 'repeated'
      WHEN l.mf__is_new AND l.mf__nth <= l.mf__live THEN 'restated'
      WHEN l.mf__is_new AND l.mf__nth <= l.mf__held THEN 'back'
      WHEN l.mf__is_new THEN 'new'
      WHEN l.mf__is_paired AND l.mf__gone THEN 'back'
      WHEN l.mf__is_paired THEN 'same'
      WHEN l.mf__nth <= l.mf__delivered THEN 'replaced'
      {% if slot.keeps %}
      WHEN l.mf__gone THEN 'kept'
      {% endif %}
      ELSE 'gone'
    END AS mf__class
  FROM left_over AS l
){% if slot.follows %},
-- A copy that is gone, of an event whose live copies all have another distinct id now, goes with it. Without that, a copy that
-- Mixpanel compacted would become an event of its own, under the identity before the merge.
moved AS (
  SELECT o.mf__key, MIN({{ x.distinct_id('n') }}) AS mf__identity
  FROM classed AS o
  JOIN classed AS n ON n.mf__copy = o.mf__copy AND n.mf__nth = o.mf__nth
  WHERE o.mf__class = 'replaced' AND NOT o.mf__gone AND n.mf__class = 'restated'
    AND o.mf__key NOT IN (SELECT d.mf__key FROM classed AS d WHERE d.mf__is_new)
  GROUP BY o.mf__key
){% endif %}
SELECT
  {% for column in columns.columns %}
  {{ slot.written(column) }} AS {{ quote(column.name) }},
  {% endfor %}
  CASE r.mf__class WHEN 'gone' THEN @landed_at WHEN 'kept' THEN r.gone_since END AS gone_since,
  r.mf__day, r.mf__class, {{ slot.is_follower }} AS mf__follows
FROM classed AS r
{% if slot.follows %}
LEFT JOIN moved AS m ON m.mf__key = r.mf__key AND r.mf__class IN ('gone', 'kept')
{% endif %}
WHERE r.mf__class NOT IN ('repeated', 'replaced')
