from configs.cli import main

main("serve", __name__)
