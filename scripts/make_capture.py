from configs.cli import main

main("make-capture", __name__)
