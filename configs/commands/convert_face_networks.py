"""Convert the face networks from the .tflite files that they were published in.

Needed only to change what ships: avatar/vision/weights/NOTICE.md names the files.
"""

from avatar.vision.convert import convert_networks
from common.writable import check_writable
from configs.commands.upkeep_options import ConvertNetworksOptions


def main(options: ConvertNetworksOptions) -> None:
    check_writable(options.out, folder=True)
    for path in convert_networks(options.tflite, options.out):
        print(f"wrote {path}: {path.stat().st_size / 1e6:.2f} MB")
