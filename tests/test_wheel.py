"""The wheel: what it must hold is in it, and it makes the demo film where there is nothing else."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from support import ROOT

from audio2mesh import load_audio
from audio2mesh.sound import SAMPLE_RATE

SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
FOLDERS = {
    name: SETUPTOOLS["package-dir"].get(name, name.replace(".", "/"))
    for name in SETUPTOOLS["packages"]
}
"""Package → the folder in the checkout that it is made of."""
LARGEST = 40e6  # bytes; package indexes take 100 MB


def shipped() -> set[str]:
    """Every file that goes into a wheel, as it is called there."""
    found = set()
    for package, folder in FOLDERS.items():
        patterns = ["*.py", *SETUPTOOLS["package-data"].get(package, [])]
        for pattern in patterns:
            files = [path for path in (ROOT / folder).glob(pattern) if path.is_file()]
            assert files or pattern == "*.py", f"{package}: {pattern} matches nothing"
            inside = package.replace(".", "/")
            found |= {f"{inside}/{path.relative_to(ROOT / folder)}" for path in files}
    return found


def test_every_file_that_git_knows_in_a_package_is_shipped():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of git")
    roots = [name for name in FOLDERS if "." not in name]
    command = ["git", "-C", str(ROOT), "ls-files", "-z", *roots]
    known = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert {name for name in known.split("\0") if name} <= shipped()
    assert {"common/demo/demo_avatar.ply", "common/demo/demo_voice.flac"} <= shipped()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git knows, with the build tools that are here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    subprocess.run([*pip, "--wheel-dir", str(folder), str(source)], check=True)
    return next(folder.glob("voicesplat-*.whl"))


@pytest.mark.soak
def test_the_wheel_holds_what_it_should_and_no_more(wheel: Path):
    with ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
        metadata = Parser().parsestr(
            file.read(next(n for n in file.namelist() if n.endswith("METADATA"))).decode()
        )
    assert held == shipped()
    assert wheel.stat().st_size < LARGEST
    assert metadata["License-Expression"] == "Apache-2.0" and metadata["Requires-Python"]


@dataclass(frozen=True)
class Fresh:
    """An environment that has the wheel and, to save their installation, the libraries of ours."""

    python: Path
    env: dict[str, str]

    def run(self, *words: str | Path, cwd: Path) -> str:
        """What a command of the environment prints."""
        command = [str(self.python.with_name(str(words[0]))), *map(str, words[1:])]
        done = subprocess.run(
            command, cwd=cwd, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def fresh(folder: Path, wheel: Path) -> Fresh:
    venv.create(folder, with_pip=True)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    found = Fresh(folder / "bin" / "python", clean | {"VOICESPLAT_CACHE": str(folder / "cache")})
    found.run("python", "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    own = next((folder / "lib").glob("python*/site-packages"))
    (own / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return found


@pytest.mark.soak
def test_the_demo_film_is_made_from_the_wheel_alone(wheel: Path, tmp_path: Path):
    environment, empty = fresh(tmp_path / "env", wheel), tmp_path / "empty"
    empty.mkdir()
    tell = "import audio2mesh as a, avatar as b, common as c, splat as d; print(a, b, c, d)"
    places = environment.run("python", "-c", tell, cwd=empty)
    assert str(ROOT) not in places and places.count(str(tmp_path / "env")) == 4
    said = environment.run("voicesplat", "demo", cwd=empty)
    film = empty / "voicesplat_demo.mp4"
    assert list(empty.iterdir()) == [film]
    assert said.startswith("wrote voicesplat_demo.mp4: 275 frames, 11.00 s of sound")
    assert abs(len(load_audio(film)) / SAMPLE_RATE - 11) < 0.1
