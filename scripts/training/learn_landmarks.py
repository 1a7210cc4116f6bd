"""Learn from pictures of made-up people how the network of landmarks errs."""

from configs.cli import main

if __name__ == "__main__":
    main("learn-landmarks")
