"""Turn the public release of FACEGOOD-Audio2Face into clips that train_audio2mesh.py reads."""

from configs.cli import main

if __name__ == "__main__":
    main("convert-facegood")
