"""Many recordings on many avatars: films and motion, by processes of one machine or of many."""
