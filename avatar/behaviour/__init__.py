"""What a face does while it speaks: head, gaze, blinks, brows, breath and emotion."""
