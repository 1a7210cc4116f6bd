from configs.cli import main

main("make-avatar", __name__)
