from configs.cli import main

main("evaluate avatar", __name__)
