"""Search the weights of the sync and the lip-reading loss: short trainings, scored and logged."""

from configs.cli import main

if __name__ == "__main__":
    main("search-losses")
