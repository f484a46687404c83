"""What tests and benchmarks share; no part of the product, and not in its wheel."""
