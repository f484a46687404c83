-- Changes the one row of claims, unless another run changed it first. An UPDATE, since it conflicts with another's.
UPDATE {{ claims }} AS c SET version = c.version + 1, claims = @claims WHERE c.version = @version
