"""What stands behind the head: pictures, films and nothing; and what is laid over it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from films import write_sound
from numpy.typing import NDArray
from PIL import Image

from avatar.drive import frames as looping
from avatar.drive.drive import drive
from avatar.drive.frames import BatchRenderer, Film, open_batch_renderer
from avatar.drive.options import DriveOptions
from avatar.drive.render_context import RenderContext
from avatar.rigging.draw import straight
from avatar.video.layers import Plate, background_of, cover, label_of, laid_over, pictures_behind
from avatar.video.writer import open_writer
from common.assets import DEMO_AVATAR
from common.errors import InputError
from splat import orbit

SIZE = 128
GROUNDS = {"white": 255.0, "black": 0.0}
Draw = Callable[..., NDArray[np.float64]]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """A film of five frames of the demo avatar over a background, decoded: [F, H, W, 3 or 4]."""
    folder = tmp_path_factory.mktemp("films")
    noise = 0.1 * np.random.default_rng(0).standard_normal((3200, 1))
    voice = write_sound(folder / "voice.flac", noise, 16_000)

    def made(background: str, suffix: str = "", **options: str) -> NDArray[np.float64]:
        out = folder / f"film{len(list(folder.iterdir()))}{suffix}"
        look = {"width": SIZE, "height": SIZE, "background": background, **options}
        drive(DriveOptions(DEMO_AVATAR, audio=voice, out=out, **look))
        return decoded(out).astype(float)

    return made


def decoded(path: Path) -> NDArray[np.uint8]:
    if path.is_dir():
        return np.stack([np.array(Image.open(picture)) for picture in sorted(path.iterdir())])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        if path.suffix == ".webm":  # FFmpeg's own decoder leaves alpha out
            codec = av.CodecContext.create("libvpx-vp9", "r")
        frames = [frame for packet in container.demux(stream) for frame in codec.decode(packet)]
        return np.stack([np.asarray(f.to_ndarray(format="rgba"), np.uint8) for f in frames])


def composited(
    pictures: NDArray[np.float64], level: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    alpha = pictures[..., 3:] / 255
    return pictures[..., :3] * alpha + level * (1 - alpha)


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_transparent_picture_over_a_colour_is_our_own_over_it(film: Draw, ground: str):
    clear = film("transparent")
    assert clear.shape[1:] == (SIZE, SIZE, 4)
    assert (clear[..., 3] == 0).mean() > 0.1 and (clear[..., 3] == 255).mean() > 0.1
    assert np.abs(composited(clear, GROUNDS[ground]) - film(ground)).max() <= 2


@pytest.mark.parametrize(("suffix", "mean", "most"), [(".webm", 2.5, 60), (".mov", 0.6, 12)])
def test_so_are_films_but_for_compression(film: Draw, suffix: str, mean: float, most: float):
    clear = film("transparent", suffix)
    assert (clear[..., 3] < 2).mean() > 0.1 and (clear[..., 3] > 253).mean() > 0.1
    for ground, level in GROUNDS.items():
        apart = np.abs(composited(clear, level) - film(ground))
        assert apart.mean() < mean and apart.max() < most, (apart.mean(), apart.max())


def test_what_is_seen_through_has_the_colours_around_it():
    """An edge between a light subject and nothing, scaled as a compositor would: no dark fringe."""
    alpha = torch.zeros(8, 8)
    alpha[:, :3], alpha[:, 3] = 1.0, 0.4
    colour = alpha[..., None] * torch.tensor([0.9, 0.6, 0.5])
    clear = straight(colour, alpha)
    assert torch.allclose(clear, torch.tensor([0.9, 0.6, 0.5]).expand(8, 8, 3), atol=1e-3)
    assert torch.equal(straight(torch.zeros(5, 3, 3), torch.zeros(5, 3)), torch.zeros(5, 3, 3))


def test_a_device_composites_as_the_cpu_does(
    film: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    behind = levels(tmp_path / "behind.mp4", 8)
    options = {"label": "AI-generated"}
    ours = {ground: film(ground, **options) for ground in ("transparent", str(behind))}

    def of_the_cpu(context: RenderContext, film: Film, label: torch.Tensor | None) -> BatchRenderer:
        parts = context.avatar, torch.device("cpu"), "cpu", context.background
        return open_batch_renderer(*parts, film.out, label)

    monkeypatch.setattr(looping, "batch_renderer_of", of_the_cpu)
    for ground, wanted in ours.items():
        assert np.abs(film(ground, **options) - wanted).max() <= 2


def levels(path: Path, count: int) -> Path:
    """A film of so many grey pictures, ten a second, each of a level of its own: 0, 30, 60 ..."""
    with open_writer(path, 96, 48, 10.0) as write:
        for number in range(count):
            write(np.full((48, 96, 3), 30 * number, np.uint8))
    return path


def test_a_film_behind_runs_by_time_and_begins_again(tmp_path: Path):
    plate = background_of(str(levels(tmp_path / "behind.mp4", 5)))
    camera = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=32)
    assert isinstance(plate, Plate)
    shown = [float(p.mean()) * 255 for p in pictures_behind(plate, [camera] * 24, 25.0)]
    length = 12  # frames in half a second
    wanted = [30 * int((f % length + 0.5) / 25 * 10) for f in range(24)]
    assert np.allclose(shown, wanted, atol=3)


def test_a_picture_covers_the_frame_without_being_stretched(film: Draw, tmp_path: Path):
    picture = np.zeros((40, 120, 3), np.uint8)
    picture[:, 40:80] = (250, 120, 10)
    middle = cover(picture, (64, 64)) * 255
    assert middle.shape == (64, 64, 3)
    assert torch.allclose(middle, torch.tensor([250.0, 120, 10]).expand(64, 64, 3), atol=1)
    tall = cover(picture.swapaxes(0, 1), (64, 32))
    assert tall.shape == (32, 64, 3) and float(tall[16, 2, 0]) == pytest.approx(250 / 255)
    Image.fromarray(picture).save(tmp_path / "behind.png")
    pictures = film(str(tmp_path / "behind.png"))
    assert np.abs(pictures[:, 2, 2] - [250, 120, 10]).max() <= 1
    wanted = composited(film("transparent"), 1.0 * np.array([250, 120, 10]))
    assert np.abs(pictures - wanted).max() <= 2


def test_a_label_is_burned_in(film: Draw):
    plain, marked = film("white"), film("white", label="AI-generated")
    apart = np.abs(marked - plain).max((0, -1)) > 8
    rows, columns = np.nonzero(apart)
    assert rows.min() > 0.8 * SIZE and 0.3 * SIZE < np.ptp(columns) < 0.9 * SIZE
    label = label_of("AI-generated", (SIZE, SIZE))
    clear = laid_over(torch.zeros(SIZE, SIZE, 4), label)
    assert torch.allclose(clear[..., 3], label[..., 3])
    assert torch.allclose(
        clear[..., :3] * clear[..., 3:], label[..., :3] * label[..., 3:], atol=1e-5
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"background": "mauve"}, "mauve: is neither a colour nor a file; write #rrggbb"),
        ({"background": "transparent"}, "cannot hold transparency; name it .webm or .mov"),
        ({"background": "note.txt"}, "note.txt: is not a film"),
        ({"background": "note.png"}, "note.png: is not a picture"),
        ({"label": "人工"}, "--label: the font has no '人'"),
        ({"label": "made by a machine " * 9}, "is wider than the picture; shorten it"),
        (
            {"background": "transparent", "light": "studio", "light_background": True},
            "--light-background and --background: both are behind",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(
    options: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("note.txt", "note.png"):
        Path(name).write_text("hello")
    voice = write_sound(tmp_path / "voice.flac", np.zeros((1600, 1)), 16_000)
    look = partial(DriveOptions, DEMO_AVATAR, audio=voice, out=tmp_path / "film.mp4")
    with pytest.raises(InputError, match=r"^[^\n]*$") as refused:
        drive(look(**options))
    assert said in str(refused.value)
    assert not (tmp_path / "film.mp4").exists()
