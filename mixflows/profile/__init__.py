"""A day's profile: what it looked like, how it drifted from the days before, samples of its rejected copies."""
