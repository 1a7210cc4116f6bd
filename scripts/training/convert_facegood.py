"""Turn the public release of FACEGOOD-Audio2Face into clips to train on."""

from configs.cli import main

if __name__ == "__main__":
    main("convert-facegood")
