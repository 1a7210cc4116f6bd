"""What the README and the documentation promise."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from commands_in_text import understood
from support import ROOT

from avatar.live.session import Frames
from configs.verbs import UPKEEP, VERBS

WRITTEN = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

EXAMPLES = ("drive", "render", "live", "export")
"""What the programs of docs/python.md do, in their order."""
Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run(voice_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What an example leaves behind, run in an empty folder with a second of voice."""
    monkeypatch.setattr("common.assets.DEMO_VOICE", voice_file)
    monkeypatch.chdir(tmp_path)

    def left(name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        exec(programs("docs/python.md")[EXAMPLES.index(name)], found)
        return found

    return left


def programs(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)


def test_the_film_of_the_examples_is_made(run: Run):
    assert run("drive")["report"].frames == 25 and Path("talk.mp4").stat().st_size > 10_000


def test_the_pictures_of_the_examples_are_drawn(run: Run):
    picture = run("render")["picture"]
    assert isinstance(picture, torch.Tensor) and picture.shape == (512, 512, 3)
    assert picture.min() < 0.3, "nobody is in the picture"


def test_live_speech_of_the_examples_runs(run: Run):
    frames = run("live")["frames"]
    assert isinstance(frames, Frames) and len(frames) > 5 and frames.rows.any()


def test_what_the_examples_export_is_written(run: Run):
    run("export")
    assert len(Path("talk.csv").read_text().splitlines()) == 1 + 25
    assert Path("talk.glb").read_bytes()[:4] == b"glTF" and Path("frame.spz").stat().st_size > 5e5


def test_the_python_of_the_readme_is_that_of_the_examples():
    """Which are run above."""
    shown = programs("README.md")
    assert shown == programs("docs/python.md") and len(shown) == len(EXAMPLES)
    assert all(len([line for line in code.splitlines() if line]) <= 16 for code in shown)


def test_what_the_page_of_functions_names_is_there():
    names = re.findall(r"`((?:avatar|common)\.[\w.]+)", (ROOT / "docs" / "python.md").read_text())
    for module, _, name in (place.rpartition(".") for place in names):
        assert hasattr(import_module(module), name)
    assert len(names) > 12


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.stem)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.stem)
def test_commands_are_ours(page: Path):
    text = page.read_text().replace("\\\n", " ")
    for command in re.findall(r"^(?: {4}.*\b)?(voicesplat [a-z].*)$", text, re.M):
        if not command.endswith("--help"):
            assert understood(command)


def test_every_verb_has_a_page_and_the_index_names_it():
    index = (ROOT / "docs" / "index.md").read_text()
    for verb in VERBS:
        page = "upkeep" if verb in UPKEEP else verb.replace(" ", "-")
        text = (ROOT / "docs" / "verbs" / f"{page}.md").read_text()
        assert verb in text and verb in index


def test_the_moving_picture_is_small():
    assert (ROOT / "assets" / "demo.webp").stat().st_size < 3e6
