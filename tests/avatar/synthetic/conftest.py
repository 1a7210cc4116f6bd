"""One sitter for all tests of these folders: painting one takes seconds."""

import numpy as np
import pytest

from avatar.synthetic.capture.picture import Surface
from avatar.synthetic.capture.pose import pose_scene
from avatar.synthetic.capture.scene import Scene, build_scene


@pytest.fixture(scope="session")
def scene() -> Scene:
    return build_scene(0)


@pytest.fixture(scope="session")
def other_scene() -> Scene:
    return build_scene(1)


@pytest.fixture(scope="session")
def at_rest(scene: Scene) -> Surface:
    return pose_scene(scene, scene.rest.numpy(), np.eye(4))
