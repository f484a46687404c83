-- One row: the claims and their version.
SELECT c.version, c.claims FROM {{ claims }} AS c
