-- One row per event: the source's columns, each key once. Partitioned by day, clustered by who and by insert id.
CREATE TABLE IF NOT EXISTS {{ events }}
PARTITION BY partition_date
CLUSTER BY {{ x.clustering() }}
AS SELECT {{ x.columns('s') }}, CAST(NULL AS DATE) AS partition_date
FROM {{ source }} AS s
WHERE FALSE
