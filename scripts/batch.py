from configs.cli import main

main("batch", __name__)
