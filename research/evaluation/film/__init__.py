"""How like the lips of a film are to those of the true film of the same sound."""
