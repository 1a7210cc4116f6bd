"""People made of Gaussians: skin, hair, eyes, teeth and clothes."""
