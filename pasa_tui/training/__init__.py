"""Training: one readable script per stage."""
