"""Serve an avatar that speaks with whoever speaks into the page."""

from configs.cli import main

if __name__ == "__main__":
    main("serve")
