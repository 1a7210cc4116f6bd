"""What a picture of a person shows: faces, 478 points, expression scores, mattes."""
