-- Makes the malformed lines of a delivery the only ones of its days. Grain of the input: one row per line that goes or comes.
MERGE INTO {{ malformed }} AS t
USING (SELECT * FROM {{ slot_malformed }} AS m WHERE m.mf__is_replaced) AS n
ON NOT n.mf__is_new AND t.file_name = n.file_name AND t.landed_at = n.landed_at AND t.line_number = n.line_number
WHEN MATCHED THEN DELETE
WHEN NOT MATCHED AND n.mf__is_new THEN
  INSERT (raw_line, file_name, line_number, reason, landed_at)
  VALUES (n.raw_line, n.file_name, n.line_number, n.reason, n.landed_at)
