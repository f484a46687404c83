-- One row per range of days that Mixpanel exported: when it was exported last. Input: Mixpanel's export log.
SELECT l.{{ log_first_day }} AS first_day, l.{{ log_last_day }} AS last_day, MAX(l.{{ log_exported_at }}) AS exported_at
FROM {{ export_log }} AS l
GROUP BY first_day, last_day
