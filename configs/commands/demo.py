"""Make the demo film, and say what to do next."""

from avatar.drive.options import DriveOptions
from common.assets import DEMO_AVATAR, DEMO_VOICE
from configs.commands import drive
from configs.commands.demo_options import DemoOptions


def main(options: DemoOptions) -> None:
    drive.main(
        DriveOptions(avatar=DEMO_AVATAR, audio=DEMO_VOICE, out=options.out, threads=options.threads)
    )
    print(f"your own: voicesplat drive {DEMO_AVATAR} YOUR_VOICE.mp3")
