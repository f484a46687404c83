"""BigQuery: when the data outgrows one machine."""
