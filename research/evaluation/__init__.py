"""How good speech, faces, avatars and tracking are, each by its own measures."""
