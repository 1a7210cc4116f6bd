"""Carry speech motion over to any mesh of a head: .npz or animated .glb."""

from configs.cli import main

if __name__ == "__main__":
    main("transfer")
