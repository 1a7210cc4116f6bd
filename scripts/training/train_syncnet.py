"""Train or test a SyncNet3D: does this mouth belong to this sound?"""

from configs.cli import main

if __name__ == "__main__":
    main("train sync")
