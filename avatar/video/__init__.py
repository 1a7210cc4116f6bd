"""Films: read, encoded on the CPU and on CUDA, with sound and camera paths."""
