"""Gaussians bound to the triangles of a mesh, and moved with them."""
