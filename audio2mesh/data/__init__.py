"""Speech with face motion, in the formats that it comes in."""
