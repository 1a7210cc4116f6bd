"""Write talking clips with every feeling in every intensity, as motion of any head."""

from configs.cli import main

if __name__ == "__main__":
    main("make-emotions")
