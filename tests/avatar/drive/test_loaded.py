"""What films of one avatar share."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from support import write_wav

from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.drive.plans import plan_drive
from avatar.drive.render_context import open_render_context, open_subject


def test_a_stage_that_was_used_films_as_a_new_one(
    avatar_file: Path, voice_file: Path, voice: np.ndarray, tmp_path: Path
):
    """It keeps nothing of the recordings before."""
    options = DriveOptions(avatar_file, voice_file, tmp_path / "a.mp4", width=64, height=64)
    options = replace(options, light="studio", light_spin=90.0)
    plan = plan_drive(options)
    stage = open_render_context(plan.look, open_subject(plan.look, plan.direction))
    other = write_wav(tmp_path / "other.wav", voice[16_000:24_000])
    drive(replace(options, audio=other, out=tmp_path / "other.mp4"), stage)
    drive(replace(options, out=tmp_path / "b.mp4"), stage)
    drive(options)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
