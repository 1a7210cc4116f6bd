"""Measure speech-to-motion weights on recordings: one table, JSON with --report, --plots."""

from configs.cli import main

if __name__ == "__main__":
    main("evaluate-audio2mesh")
