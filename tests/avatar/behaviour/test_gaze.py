"""Where eyes look."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from avatar.behaviour.gaze import gaze_degrees
from avatar.heads import load_head

HEAD = load_head()
EYES = [HEAD.group_vertices(name).numpy() for name in ("l-eye", "r-eye")]
REST = HEAD.vertices.double().numpy()


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-15, 10), (5, -12)])
def test_a_turned_eyeball_looks_where_it_was_turned(yaw: float, pitch: float):
    turn = Rotation.from_euler("YX", [yaw, -pitch], degrees=True)
    offsets = np.zeros_like(REST)
    for eye in EYES:
        middle = REST[eye].mean(0)
        offsets[eye] = turn.apply(REST[eye] - middle) + middle - REST[eye]
    assert np.allclose(gaze_degrees(EYES, REST, offsets[None])[0], [[yaw, pitch]] * 2, atol=1e-6)


def test_units_of_looking_turn_the_eyes_their_way():
    ways = {
        "OutLeft": (0, 0, 1),
        "InLeft": (0, 0, -1),
        "UpRight": (1, 1, 1),
        "DownRight": (1, 1, -1),
    }
    for name, (eye, angle, sign) in ways.items():
        gaze = gaze_degrees(EYES, REST, HEAD.unit(f"eyeLook{name}").double().numpy()[None])[0]
        assert sign * gaze[eye, angle] > 7
        assert np.abs(gaze[1 - eye]).max() < 1
