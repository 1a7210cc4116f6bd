"""Paint the teeth and the tongue that scans get."""

from configs.cli import main

if __name__ == "__main__":
    main("bake-inner-mouth")
