"""What people would run instead: the original design, as plain SQL and as a dbt project, and a tuned dbt project."""
