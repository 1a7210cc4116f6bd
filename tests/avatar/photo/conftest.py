"""Made-up photos that several tests look at."""

import pytest

from avatar.photo.hair import PhotoHair, hair_of_photo
from avatar.photo.subject import Scene
from tests.heads_in_pictures import scene


@pytest.fixture(scope="package")
def bob(tmp_path_factory) -> Scene:
    return scene("bob", tmp_path_factory.mktemp("bob"))


@pytest.fixture(scope="package")
def hanging(bob: Scene) -> PhotoHair:
    """The bob's hair."""
    hair = hair_of_photo(bob)
    assert hair is not None
    return hair
