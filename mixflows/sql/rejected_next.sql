-- One row per rejected copy that the days are to have, of a day that is published as a delta only those of touched ids: with the
-- flag `published`, a copy that was rejected before keeps its first rejection_timestamp and run_id, also when it or its winner
-- was restated. Inputs: the days' copies and their rejected rows as published. Ties: the older timestamp.
CREATE OR REPLACE TABLE {{ rejected_next }} {{ stage_options }} AS
WITH now AS (
  SELECT
    c.*, {{ x.rejected_hash('c', 'c.mf__day', 'c.mf__fingerprint') }} AS mf__copy
  FROM {{ copies }} AS c
  {% if 'touched' in flags %}
  JOIN {{ days }} AS d ON d.mf__day = c.mf__day
  {% endif %}
  WHERE c.mf__row_num IS DISTINCT FROM 1 AND {{ x.batch_in_days('c') }}
    {% if 'touched' in flags %}
    AND (NOT d.mf__delta OR c.mf__id IN (SELECT t.mf__id FROM {{ touched }} AS t WHERE t.mf__id IS NOT NULL))
    {% endif %}
),
{% if 'published' in flags %}
before AS (
  SELECT
    r.rejection_timestamp, r.run_id,
    {{ x.rejected_hash('r', 'r.partition_date', x.fingerprint('r')) }} AS mf__copy
  FROM {{ rejected }} AS r
  WHERE {{ x.published_in_days('r') }}
),
numbered_before AS (
  SELECT
    b.*, ROW_NUMBER() OVER (PARTITION BY b.mf__copy ORDER BY b.rejection_timestamp, b.run_id) AS mf__nth
  FROM before AS b
),
{% endif %}
numbered AS (
  SELECT
    n.*, ROW_NUMBER() OVER (PARTITION BY n.mf__copy ORDER BY n.mf__row_num, n.mf__fingerprint) AS mf__nth
  FROM now AS n
)
SELECT
  {{ x.published_select('n', 'n.mf__day') }},
  n.mf__row_num AS row_num,
  n.mf__reason AS rejection_reason,
  {{ 'COALESCE(b.rejection_timestamp, @now)' if 'published' in flags else '@now' }} AS rejection_timestamp,
  n.mf__exact AS is_exact_copy,
  {{ 'COALESCE(b.run_id, @run_id)' if 'published' in flags else '@run_id' }} AS run_id
FROM numbered AS n
{% if 'published' in flags %}
LEFT JOIN numbered_before AS b ON b.mf__copy = n.mf__copy AND b.mf__nth = n.mf__nth
{% endif %}
