-- Makes the day's events equal to the staged day's kept rows: inserts what is missing, updates a key whose winner is
-- another copy now. Grain: one row per key on both sides. The day is a constant on both sides, so that partitions prune.
MERGE INTO {{ events }} AS t
USING (
  SELECT {{ x.columns('s') }}, s.fingerprint
  FROM {{ stage }} AS s
  WHERE s.row_num = 1
  {% if stage_kind == 'VIEW' %}
    -- Where the staged day is read from the source, only the few rows that differ are read whole.
    AND EXISTS (
      SELECT 1
      FROM (
        SELECT {{ x.key('n') }}
        FROM {{ stage }} AS n
        WHERE n.row_num = 1 AND (
          NOT EXISTS (
            SELECT 1
            FROM {{ events }} AS e
            WHERE e.partition_date = @day AND {{ x.same_key('e', 'n') }}
              AND {{ x.arrival('e') }} IS NOT DISTINCT FROM {{ x.arrival('n') }}
          )
          {% if 'compare_content' in flags %}
          OR n.fingerprint IS NOT NULL
          {% endif %}
        )
      ) AS d
      WHERE {{ x.same_key('d', 's') }}
    )
  {% endif %}
) AS s
ON t.partition_date = @day AND {{ x.same_key('t', 's') }}
WHEN MATCHED AND (
  {{ x.arrival('t') }} IS DISTINCT FROM {{ x.arrival('s') }}
  {% if 'compare_content' in flags %}
  OR (s.fingerprint IS NOT NULL AND s.fingerprint != {{ x.fingerprint('t') }})
  {% endif %}
) THEN
  UPDATE SET {{ x.assignments('s') }}
WHEN NOT MATCHED THEN
  INSERT ({{ x.published_columns() }}) VALUES ({{ x.published_values('s') }})
