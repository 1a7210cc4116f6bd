"""What made the data that ships."""
