"""What is remembered of each day: how it ended in each run, its profile, its quality results."""
