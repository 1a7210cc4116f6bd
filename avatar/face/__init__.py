"""What of the face is not lips: head, eyes, blinks."""
