"""Show an avatar in the browser."""

from configs.cli import main

if __name__ == "__main__":
    main("view")
