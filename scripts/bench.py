"""Measure rasterizer, speech to motion and the whole drive: the figures of docs/benchmarks.md."""

from configs.cli import main

if __name__ == "__main__":
    main("bench")
