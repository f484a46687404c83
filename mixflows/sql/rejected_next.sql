-- One row per rejected copy that the days are to have, of a day that is published as a delta only those of touched ids: with the
-- flag `published`, a copy that was rejected before keeps its first rejection_timestamp and run_id, also when it or its winner
-- was restated. Inputs: the days' copies and their rejected rows as published. Ties: the older timestamp.
CREATE OR REPLACE TABLE {{ rejected_next }} {{ stage_options }} AS
WITH now AS (
  SELECT c.*
  FROM {{ copies }} AS c
  {% if 'touched' in flags %}
  JOIN {{ days }} AS d ON d.mf__day = c.mf__day
  {% endif %}
  WHERE c.mf__row_num IS DISTINCT FROM 1 AND {{ x.batch_in_days('c') }}
    {% if 'touched' in flags %}
    AND (NOT d.mf__delta OR c.mf__id IN (SELECT t.mf__id FROM {{ touched }} AS t WHERE t.mf__id IS NOT NULL))
    {% endif %}
){% if 'published' in flags %},
before AS (
  SELECT
    r.rejection_timestamp, r.run_id,
    {{ x.rejected_hash('r', 'r.partition_date', x.fingerprint('r')) }} AS mf__copy
  FROM {{ rejected }} AS r
  WHERE {{ x.published_in_days('r') }}
),
numbered_before AS (
  SELECT
    b.*, ROW_NUMBER() OVER (PARTITION BY b.mf__copy ORDER BY b.rejection_timestamp, b.run_id) AS mf__number
  FROM before AS b
),
-- Narrow: of one copy there may be millions.
hashed AS (
  SELECT
    n.mf__fingerprint, n.mf__stored, n.mf__gone, n.mf__nth, n.mf__row_num,
    {{ x.rejected_hash('n', 'n.mf__day', 'n.mf__fingerprint') }} AS mf__copy
  FROM now AS n
),
numbered AS (
  SELECT
    h.*, ROW_NUMBER() OVER (PARTITION BY h.mf__copy ORDER BY h.mf__row_num, h.mf__fingerprint) AS mf__number
  FROM hashed AS h
),
first_rejected AS (
  SELECT n.mf__fingerprint, n.mf__stored, n.mf__gone, n.mf__nth, b.rejection_timestamp, b.run_id
  FROM numbered AS n
  JOIN numbered_before AS b ON b.mf__copy = n.mf__copy AND b.mf__number = n.mf__number
)
{% endif %}
SELECT
  {{ x.published_select('n', 'n.mf__day') }},
  n.mf__row_num AS row_num,
  n.mf__reason AS rejection_reason,
  {{ 'COALESCE(f.rejection_timestamp, @now)' if 'published' in flags else '@now' }} AS rejection_timestamp,
  n.mf__exact AS is_exact_copy,
  {{ 'COALESCE(f.run_id, @run_id)' if 'published' in flags else '@run_id' }} AS run_id
FROM now AS n
{% if 'published' in flags %}
LEFT JOIN first_rejected AS f
  ON f.mf__fingerprint = n.mf__fingerprint AND f.mf__stored = n.mf__stored AND f.mf__gone = n.mf__gone AND f.mf__nth = n.mf__nth
{% endif %}
