"""A made-up shop's Mixpanel raw export, with the faults of real ones and an exact count of each."""
