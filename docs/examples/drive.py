"""A voice and an avatar become a film."""

from pathlib import Path

from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from common.assets import DEMO_AVATAR, DEMO_VOICE

options = DriveOptions(
    avatar=DEMO_AVATAR, audio=DEMO_VOICE, out=Path("talk.mp4"), emotion="happy", camera="orbit"
)
report = drive(options)  # raises common.errors.InputError, with one sentence, where it cannot
print(report.output, report.frames, report.steady_fps)
