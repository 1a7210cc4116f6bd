from configs.cli import main

main("render", __name__)
