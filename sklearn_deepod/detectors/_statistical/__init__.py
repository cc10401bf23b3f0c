"""Statistical baselines."""
