"""Write the shape space of anny-head from modes of a carried face."""

from configs.cli import main

if __name__ == "__main__":
    main("carry-identities")
