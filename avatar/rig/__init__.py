"""Gaussians bound to triangles, and carried along when the mesh moves."""
