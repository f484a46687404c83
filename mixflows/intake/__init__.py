"""Export files before any engine reads them."""
