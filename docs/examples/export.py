"""Motion, and Gaussians, for other programs: the suffix says which."""

from pathlib import Path

from avatar.drive.export import export
from avatar.drive.gaussian_export import export_gaussians
from avatar.drive.options import ExportOptions
from common.assets import DEMO_AVATAR, DEMO_VOICE

print(export(ExportOptions(Path("talk.csv"), audio=DEMO_VOICE)))  # 52 ARKit weights a frame
print(export(ExportOptions(Path("talk.glb"), avatar=DEMO_AVATAR, audio=DEMO_VOICE)))
frame = ExportOptions(Path("frame.spz"), avatar=DEMO_AVATAR, audio=DEMO_VOICE, at=0.5)
print(export_gaussians(frame))
