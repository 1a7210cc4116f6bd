from configs.cli import main

main("make-corpus", __name__)
