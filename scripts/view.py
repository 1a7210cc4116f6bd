from configs.cli import main

main("view", __name__)
