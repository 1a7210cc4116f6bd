from configs.cli import main

main("evaluate speech", __name__)
