"""A few photos of a person become an avatar."""
