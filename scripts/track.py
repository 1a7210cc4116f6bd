from configs.cli import main

main("track", __name__)
