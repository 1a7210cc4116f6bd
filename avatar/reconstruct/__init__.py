"""A tracked capture → an avatar: Gaussians learned on the triangles of the head."""
