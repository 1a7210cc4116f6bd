"""The data path of speech to motion: samples → encoder → decoder → coefficients → offsets."""
