"""Convert the face networks that ship from the .tflite files that they were published in."""

from configs.cli import main

if __name__ == "__main__":
    main("convert-face-networks")
