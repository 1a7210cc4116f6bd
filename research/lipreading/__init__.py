"""The training of the lip reader, on synthetic people who say sentences."""
