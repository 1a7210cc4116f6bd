"""Turn tracked films of people who speak into clips to train and to measure on."""

from configs.cli import main

if __name__ == "__main__":
    main("convert-tracked")
