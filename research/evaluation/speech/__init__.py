"""How well speech-driven motion is: errors against the truth, timing, articulation, sync."""
