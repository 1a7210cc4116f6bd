"""Light that was baked is kept: what decides it, and what is done about damage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.avatar_io.avatar_file import load_avatar
from avatar.heads import Head, load_head
from avatar.lighting import baked_file as cache
from avatar.lighting.baked_file import baked
from avatar.lighting.materials import Surfaces
from avatar.lighting.occlusion import DIRECTIONS
from avatar.rigging.avatar import Avatar
from common.assets import DEMO_AVATAR

COUNT = 40


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    """A few Gaussians of the demo avatar."""
    whole = load_avatar(DEMO_AVATAR)
    some = {name: part[:COUNT] for name, part in vars(whole.gaussians).items()}
    return replace(whole, gaussians=type(whole.gaussians)(**some), binding=whole.binding[:COUNT])


@pytest.fixture(autouse=True)
def bakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Avatar]:
    """The avatars that were baked, by a baking that takes no time; a cache of its own."""
    made: list[Avatar] = []

    def bake(avatar: Avatar, head: Head, done: object) -> Surfaces:
        made.append(avatar)
        three = np.full((COUNT, 3), len(made), np.float32)
        table = np.full((COUNT, len(DIRECTIONS) // 2), 7, np.uint8)
        row = np.zeros(COUNT, np.uint8)
        access = np.ones((COUNT, 2), np.float32)
        return Surfaces(three, three, row, three, table, table, row, access)

    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "bake", bake)
    return made


def test_the_same_avatar_is_baked_once(avatar: Avatar, bakes: list[Avatar]):
    first, again = baked(avatar, load_head()), baked(avatar, load_head())
    assert len(bakes) == 1
    for one, other in zip(first, again, strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other)


def test_whatever_shades_it_otherwise_is_baked_anew(avatar: Avatar, bakes: list[Avatar]):
    head = load_head()
    baked(avatar, head)
    moved = replace(avatar.gaussians, means=avatar.gaussians.means + 1e-6)
    baked(replace(avatar, gaussians=moved), head)
    baked(replace(avatar, vertices=avatar.vertices * 1.001), head)
    baked(replace(avatar, unlit=True), head)
    baked(avatar, replace(head, units=head.units * 1.001))
    baked(avatar, replace(head, regions={**head.regions, "lips": torch.arange(3)}))
    assert len(bakes) == 6


def test_the_key_covers_folders_that_exist():
    code = Path(cache.__file__).parents[1]
    assert all((code / name / "__init__.py").is_file() for name in cache.CODE_FOLDERS)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", None], ids=["empty", "torn", "cut"])
def test_a_damaged_file_is_baked_anew(
    avatar: Avatar, bakes: list[Avatar], tmp_path: Path, damage: bytes | None
):
    baked(avatar, load_head())
    (path,) = (tmp_path / "light").glob("*.npz")
    path.write_bytes(path.read_bytes()[:500] if damage is None else damage)
    baked(avatar, load_head())
    baked(avatar, load_head())
    assert len(bakes) == 2


def test_a_folder_that_cannot_be_written_is_told(
    avatar: Avatar, bakes: list[Avatar], tmp_path: Path, monkeypatch, capsys
):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("VOICESPLAT_CACHE", str(blocked))
    baked(avatar, load_head())
    assert "could not be kept" in capsys.readouterr().err
    assert len(bakes) == 1
