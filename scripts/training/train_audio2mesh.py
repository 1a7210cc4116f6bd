"""Train speech-to-motion weights on clips of speech with face motion."""

from configs.cli import main

if __name__ == "__main__":
    main("train motion")
