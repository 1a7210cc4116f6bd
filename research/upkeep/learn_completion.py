"""Train the network that completes skin: pictures of skin, lit and seen from the front at random,
of which it is to tell the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from avatar.geometry.vectors import Bools, Floats, directions, normalised, smoothstep
from avatar.lighting.occlusion import DIRECTIONS
from avatar.lighting.symmetry import Observed
from avatar.people.bust import bust_subject
from avatar.people.garment import garment_of
from avatar.people.library import load_library, read_texture, texels_at, texture, texture_names
from avatar.people.shading import bust_shadows, linear
from avatar.people.skin import OpenSkin, place_skin
from avatar.people.textured import texture_positions
from avatar.photo.completion import (
    CompletionNet,
    Form,
    blended,
    cells_of,
    channels,
    expected_light,
    learnt_change,
    logs,
    mean_deviation,
)
from avatar.photo.robust_fill import SURE
from avatar.photo.surface import CREVICE_BIAS, crevices
from common.errors import InputError
from common.progress import progress_bar

CLOTHES = "male_casualsuit06"
SEEN, HIDDEN = 0.9, 0.1  # weights: what is seen, and what is not
BATCH, RATE, DECAY = 8, 2e-3, 1e-3
TRIED = 1500  # samples by which pictures of skin are compared


@dataclass(frozen=True)
class Heads:
    """The mean head, and skins for it."""

    skin: OpenSkin
    facing: Floats  # [N, D] cosines to each direction
    visible: Floats  # [N, D] of each direction's light
    albedos: Mapping[str, Floats]  # [N, 3] each
    form: Form
    inside: Bools  # [N] skin of head and neck


def heads_of(folders: Sequence[Path]) -> Heads:
    """The library's skins, and those of pictures in folders, of the same layout. InputError for a
    folder without any."""
    library = load_library()
    part = library.parts[f"clothes/{CLOTHES}"]
    bust = library.vertices
    garment = garment_of(part, bust, CLOTHES)
    subject, uv = bust_subject(library, bust, part, garment.surface)
    shadows, stretched = (bust_shadows(subject, s) for s in (subject.rest, subject.stretched))
    skin = place_skin(subject, shadows, stretched, np.random.default_rng(0))
    where = texture_positions(skin, uv)
    pictures = {name: texture("skins", name) for name in texture_names("skins")}
    for folder in folders:
        found = sorted(folder.glob("*.[jp][pn]g"))
        if not found:
            raise InputError(f"{folder}: holds no pictures of skin (.jpg or .png)")
        pictures |= {path.stem: read_texture(path) for path in found}
    visible = shadows.visible(skin.points, CREVICE_BIAS)
    inside = (skin.inner_mouth < 0.1) & (skin.scalp < 0.3) & (skin.mm[:, 1] > -125)
    return Heads(
        skin=skin,
        facing=(skin.normals @ DIRECTIONS.T).astype(np.float32),
        visible=visible,
        albedos={k: linear(255 * texels_at(p[..., :3], where)) for k, p in pictures.items()},
        form=Form(
            skin.normals, skin.mm, visible.mean(1), cells_of(where, skin.mm, skin.inner_mouth)
        ),
        inside=inside,
    )


class Lit(NamedTuple):
    """A head as it is, and as a photo shows it."""

    radiance: Floats  # [N, 3]
    seen: Observed


def lit_head(heads: Heads, albedo: Floats, rng: np.random.Generator) -> Lit:
    """Skin in a room at random, with highlights that the photo shows and that are no colour of the
    skin, and hair and clothes over some of it."""
    skin = heads.skin
    view = directions(np.radians(rng.uniform(-20, 20)), np.radians(rng.uniform(-8, 8)))
    mirrored = 2 * (skin.normals @ view)[:, None] * skin.normals - view
    room = np.outer(0.5 + rng.uniform(-0.3, 0.4) * DIRECTIONS[:, 1], _hue(rng))
    gloss = np.zeros_like(albedo)
    for _ in range(rng.integers(1, 4)):
        towards, focus = normalised(_lamp(rng)), rng.uniform(0.5, 12)
        lamp = rng.uniform(0.1, 0.6) * (1 + focus) * _hue(rng)
        room = room + np.outer(np.exp(focus * (DIRECTIONS @ towards - 1)), lamp)
        gloss += np.outer(np.exp(12 * (mirrored @ towards - 1)), lamp)
    wrap = rng.uniform(0.0, 0.4)
    light = (np.clip((heads.facing + wrap) / (1 + wrap), 0, None) * heads.visible) @ room
    light /= light[heads.inside].mean()
    radiance = albedo * light
    shown = radiance + rng.uniform(0, 0.05) * gloss
    return Lit(radiance, Observed(shown, _shown(skin, view, rng)))


def _lamp(rng: np.random.Generator) -> Floats:
    direction = rng.normal(size=3)
    return np.array([direction[0], abs(direction[1]), abs(direction[2]) + 0.2])


def _hue(rng: np.random.Generator) -> Floats:
    return np.exp(rng.normal(0, 0.07, 3))


def _shown(skin: OpenSkin, view: Floats, rng: np.random.Generator) -> Floats:
    """Weights [N] of what a photo shows of skin from a direction [3]."""
    facing = smoothstep(0.25, 0.55, skin.normals @ view)
    weight = facing * (skin.inner_mouth < 0.1) * (skin.scalp < 0.2) * (skin.mm[:, 2] > 0)
    weight = weight * (skin.ears < 0.5) * (skin.lids < 0.3)
    x, y, _ = skin.mm.T
    if rng.random() < 0.5:
        weight = weight * smoothstep(66, 56, np.abs(x) + rng.uniform(-8, 8))
    if rng.random() < 0.5:
        weight = weight * smoothstep(75, 65, y + rng.uniform(0, 25))
    return weight * (y > -rng.uniform(75, 130))


def mixed_skin(heads: Heads, names: Sequence[str], rng: np.random.Generator) -> Floats:
    """Reflectance [N, 3] of two skins mixed and tinted."""
    one, other = (heads.albedos[k] for k in rng.permutation(np.array(names))[:2].tolist())
    share = rng.uniform(0, 1) if rng.random() < 0.6 else 1.0
    return (share * one + (1 - share) * other) * np.exp(
        rng.normal(0, 0.15) + rng.normal(0, 0.06, 3)
    )


def expected_of(heads: Heads, seen: Observed) -> tuple[Floats, Observed]:
    """What is expected of a head [N, 3] by the skin of the library that is nearest, and what is
    seen of such skin."""
    normals = heads.skin.normals
    chosen = np.flatnonzero(seen.weight > SURE)[:: max(1, int((seen.weight > SURE).sum() / TRIED))]
    some = Observed(seen.values[chosen], seen.weight[chosen])

    def apart(name: str) -> float:
        return mean_deviation(some, heads.albedos[name][chosen], normals[chosen])

    albedo = heads.albedos[min(texture_names("skins"), key=apart)]
    return expected_light(seen, albedo * crevices(heads.form.sky), normals)


class Example(NamedTuple):
    given: Tensor  # [CHANNELS, GRID, GRID]
    change: Tensor  # [3, GRID, GRID] that is to be found
    counts: Tensor  # [1, GRID, GRID] where


def example(heads: Heads, names: Sequence[str], rng: np.random.Generator) -> Example:
    """One head lit and seen at random."""
    radiance, seen = lit_head(heads, mixed_skin(heads, names, rng), rng)
    expected, alike = expected_of(heads, seen)
    cells = heads.form.cells
    given = channels(alike, expected, heads.form)
    change = (logs(radiance) - expected)[cells.nearest]
    counts = ((seen.weight < SEEN) & heads.inside)[cells.nearest].reshape(cells.known.shape)
    grid = torch.from_numpy(change.reshape(*cells.known.shape, 3)).float().permute(2, 0, 1)
    return Example(given, grid, torch.from_numpy(counts & cells.known).float()[None])


def train_completion(
    heads: Heads, names: Sequence[str], examples: int, steps: int
) -> CompletionNet:
    """A network trained on so many examples of the skins of some names."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    made: list[Example] = []
    with progress_bar("heads", examples, "heads/s") as done:
        for _ in range(examples):
            made.append(example(heads, names, rng))
            done()
    given, change, counts = (torch.stack(column) for column in zip(*made, strict=True))
    net = CompletionNet()
    net.mean = given.mean((0, 2, 3))[:, None, None]
    net.deviation = given.std((0, 2, 3))[:, None, None] + 1e-3
    nn.init.zeros_(net.out.weight)
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    with progress_bar("training", steps, "steps/s") as done:
        for _ in range(steps):
            chosen = torch.from_numpy(rng.integers(0, examples, BATCH))
            off = (net(given[chosen]) - change[chosen]).abs() * counts[chosen]
            optimizer.zero_grad()
            (off.sum() / counts[chosen].sum() / 3).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            done()
    return net.eval()


def scores(heads: Heads, net: CompletionNet, name: str, views: int = 6) -> tuple[float, float]:
    """RMS errors of the logarithms of what is not seen of a skin, without the network and with it,
    in the mean over heads lit and seen at random."""
    rng = np.random.default_rng(1)
    errors = np.zeros((views, 2))
    skin = heads.skin
    for row in errors:
        radiance, seen = lit_head(heads, heads.albedos[name] * _hue(rng), rng)
        expected, alike = expected_of(heads, seen)
        changed = expected + learnt_change(net, alike, expected, heads.form)
        hidden = heads.inside & (seen.weight < HIDDEN)
        for n, each in enumerate((expected, changed)):
            whole = blended(seen, each, skin.points, skin.normals)
            off = logs(whole) - logs(radiance)
            row[n] = np.sqrt((off[hidden] ** 2).mean())
    before, after = errors.mean(0).tolist()
    return before, after
