from configs.cli import main

main("export", __name__)
