from configs.cli import main

main("drive", __name__)
