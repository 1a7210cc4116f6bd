"""Tracking of a face in a film: shape, head pose and expression in every frame."""
