"""Speech or recorded motion, an avatar and a camera become a film: here the leaves meet."""
