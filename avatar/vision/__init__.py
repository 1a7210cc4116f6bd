"""Analysis of pictures of people: faces, 478 landmarks, expression scores, mattes."""
