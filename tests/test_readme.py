"""What the README and the documentation promise."""

import re
from pathlib import Path

import pytest
import torch
from support import ROOT

from avatar.live.session import Frames
from configs.verbs import UPKEEP, VERBS

PAGES = sorted((ROOT / "docs").rglob("*.md"))


def python_of_the_readme(number: int, voice_file: Path) -> dict[str, object]:
    """What one of its examples leaves behind."""
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[number]
    for name in ("assets/demo_avatar.ply", "assets/demo_voice.flac"):
        assert name in code
    code = code.replace("assets/demo_voice.flac", str(voice_file))
    code = code.replace("assets/", f"{ROOT}/assets/")
    found: dict[str, object] = {}
    exec(code, found)
    return found


def test_live_speech_of_the_readme_runs(voice_file: Path):
    frames = python_of_the_readme(1, voice_file)["frames"]
    assert isinstance(frames, Frames) and len(frames) > 5 and frames.rows.any()


def test_the_python_of_the_readme_runs(voice_file: Path):
    picture = python_of_the_readme(0, voice_file)["picture"]
    assert isinstance(picture, torch.Tensor) and picture.shape == (512, 512, 3)
    assert picture.min() < 0.3, "nobody is in the picture"


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda path: path.stem)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_verb_has_a_page_and_the_index_names_it():
    index = (ROOT / "docs" / "index.md").read_text()
    for verb in VERBS:
        page = "upkeep" if verb in UPKEEP else verb.replace(" ", "-")
        text = (ROOT / "docs" / "verbs" / f"{page}.md").read_text()
        assert verb in text and verb in index


def test_the_moving_picture_is_small():
    assert (ROOT / "assets" / "demo.webp").stat().st_size < 3e6
