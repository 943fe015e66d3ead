"""Programs that prove what the gate and the review desk promise; each prints one line a figure."""
