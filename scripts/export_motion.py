"""Write motion as ARKit weights (.csv) or FLAME parameters (.npz)."""

from configs.cli import main

if __name__ == "__main__":
    main("export")
