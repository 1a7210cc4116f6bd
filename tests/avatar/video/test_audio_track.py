"""Where in a recording a film begins."""

from pathlib import Path

import numpy as np
import pytest
from films import write_sound

from avatar.video.sound import sound_reader

RATE = 8000


@pytest.mark.parametrize("begin", [0.0, 0.25, 2.6, 4.0, -0.3])
def test_a_film_may_begin_before_or_within_its_sound(tmp_path: Path, begin: float):
    """It hears what one would hear who cuts the recording, or puts silence before it."""
    sound = np.sin(np.arange(3 * RATE) ** 1.5)[:, None] * 0.5
    read = sound_reader(write_sound(tmp_path / "sound.flac", sound, RATE), RATE, begin)
    first = round(begin * RATE)
    silence = np.zeros((5 * RATE, 1))
    wanted = np.concatenate([silence[: max(0, -first)], sound[max(0, first) :], silence])
    heard = np.concatenate([read(count) for count in (7, 0, 5000, 3 * RATE)])
    np.testing.assert_allclose(heard, wanted[: len(heard)], atol=1e-4)
