from configs.cli import main

main("convert", __name__)
