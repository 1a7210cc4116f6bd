"""Write motion on any mesh of a head: vertices (.npz), animated (.glb) or ARKit weights (.csv)."""

from configs.cli import main

if __name__ == "__main__":
    main("export")
