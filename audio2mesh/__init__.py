"""Speech in, vertex motion out. Knows nothing of Gaussians."""
