"""An avatar and its motion as one page for a browser, which needs nothing from anywhere else."""
