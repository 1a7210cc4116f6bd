"""Build a demo avatar."""

from configs.cli import main

if __name__ == "__main__":
    main("make-demo-avatar")
