"""Films of a face: who it is, how the head stands and what the face does in every frame."""
