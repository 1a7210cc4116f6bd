"""Triangle meshes: geometry, files, colours; nothing of heads or sound."""
