"""Files of avatars and motion: read and written, in our formats and in those of others."""
