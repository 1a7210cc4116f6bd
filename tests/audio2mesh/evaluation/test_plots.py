import numpy as np
from PIL import Image
from talking_faces import talk

from audio2mesh.data.phones import Phone
from audio2mesh.evaluation.plots import STRIP_SECONDS, Curves, draw_openings

RED = np.array([0xD1, 0x49, 0x5B])


def _draw(height: float, seconds: float = 10.0, phones: tuple[Phone, ...] = ()) -> np.ndarray:
    frames = round(seconds * 25)
    _, audio = talk(frames)
    openings = {"truth": np.full(frames, 10.0), "weights": np.full(frames, height)}
    return np.asarray(draw_openings(Curves("clip", audio, 25, openings, phones)), np.int32)


def _red_rows(image: np.ndarray) -> float:
    """Mean row of the red curve in the first strip, right of the legend."""
    strip = image[60:240, 400:1500]
    return float(np.argwhere(np.abs(strip - RED).sum(-1) < 60)[:, 0].mean())


def test_a_wider_mouth_is_drawn_higher_in_proportion():
    low, middle, high = (_red_rows(_draw(height)) for height in (2.0, 4.0, 8.0))
    assert low - middle > 10
    assert middle - high == 2 * (low - middle) or abs((middle - high) / (low - middle) - 2) < 0.1


def test_long_recordings_have_more_strips_and_no_sound_is_no_problem():
    short, long = _draw(3.0, STRIP_SECONDS / 2), _draw(3.0, 3 * STRIP_SECONDS - 1)
    assert long.shape[0] - short.shape[0] == 2 * 270 and long.shape[1] == short.shape[1]
    nothing = Curves("mute", np.zeros(8_000, np.float32), 25, {"weights": np.zeros(12)})
    assert isinstance(draw_openings(nothing), Image.Image)


def test_phones_stand_under_their_time():
    blank, named = _draw(3.0), _draw(3.0, phones=(Phone("AA", 2.0, 2.2), Phone("SIL", 4.0, 5.0)))
    changed = np.argwhere((blank != named).any(-1))
    assert changed[:, 0].min() > 240  # under the axis
    middle = 60 + 2.1 / STRIP_SECONDS * 1520
    assert abs(changed[:, 1].mean() - middle) < 5 and np.ptp(changed[:, 1]) < 60
