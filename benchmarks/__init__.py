"""How fast the pipeline is, and in how much memory: `make bench`. One module a question."""
