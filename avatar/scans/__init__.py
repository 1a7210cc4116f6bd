"""Scans: coloured meshes of heads that learn to talk without training."""
