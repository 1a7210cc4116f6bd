from configs.cli import main

main("reconstruct", __name__)
