"""How like its pictures an avatar is."""
