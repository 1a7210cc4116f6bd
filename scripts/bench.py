from configs.cli import main

main("bench", __name__)
