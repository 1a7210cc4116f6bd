import numpy as np
import pytest

from avatar.lighting.environment import irradiance, lamps, towards
from avatar.lighting.presets import PRESETS, parse_light
from common.errors import InputError


def test_words_name_lamps_by_place_strength_and_colour():
    key, rim = parse_light("key 45 30 1.0 #ffd9b0, rim -150 20 0.6")
    assert (key.azimuth, key.elevation, key.strength) == (45, 30, 1)
    assert key.colour[0] == 1 and 0.4 < key.colour[2] < 0.5  # linear, not sRGB
    assert rim.strength == 0.6 and rim.colour == (1, 1, 1) and rim.sharpness > key.sharpness


def test_a_lamp_is_as_strong_as_it_says_on_white_that_faces_it():
    light = lamps(parse_light("sun 60 20 0.7 #ff8000, key -90 0 0.0"))
    facing = irradiance(light, towards(60, 20)[None])[0]
    assert np.allclose(facing, [0.7, 0.7 * 0.2159, 0], atol=0.004)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_light_a_face_without_burning_it(name: str):
    light = lamps(parse_light(name))
    brightest = max(irradiance(light, towards(a, 15)[None]).max() for a in range(-90, 91, 15))
    assert 0.3 < brightest < 1.7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("moonshine", "neither a file, a preset nor a lamp"),
        ("", "neither a file, a preset nor a lamp"),
        ("key 45 30", "has 2 values"),
        ("key 45 thirty 1", "not three numbers"),
        ("key 45 120 1", "from -90 to 90"),
        ("key nan 0 1", "from -90 to 90"),
        ("key 0 0 -1", "from 0 to 1000"),
        ("key 0 0 nan", "from 0 to 1000"),
        ("key 0 0 1 mauvish", "is not a colour"),
        ("key 0 0 0, rim 0 0 0", "is dark"),
        ("key 0 0 1 #000000", "is dark"),
    ],
)
def test_words_that_mean_nothing_get_a_sentence(words: str, said: str):
    with pytest.raises(InputError, match=said):
        parse_light(words)
