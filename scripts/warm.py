from configs.cli import main

main("warm", __name__)
