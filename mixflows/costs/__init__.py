"""What runs cost: as billed, and as the cost model predicts."""
