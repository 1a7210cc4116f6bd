"""Made-up people: a portrait painted in Gaussians, and captures with known truth."""
