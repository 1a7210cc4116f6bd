"""The subject of a seed: a face, its colours and everything that is constant over time."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.records import concatenated, stacked
from avatar.geometry.vectors import MM, Bools, Floats, Ints, smoothstep
from avatar.heads import Head, eyeball, fit_units, load_head
from avatar.lighting.occlusion import Fog
from avatar.people.hair_styles import hair_fog_of
from avatar.people.masks import feature_triangles, scalp_mask
from avatar.people.skin import inside_mouth
from avatar.people.subject import Colour, HairStyle, Look, make_subject
from avatar.reconstruct.capture_writer import REGION_LABELS
from research.captures.body import Body, dress
from research.captures.fine_hair import FineHair, fine_hair
from research.captures.hair import Hair, grow, lit_hair
from research.captures.light import CaptureLight, cast
from research.captures.materials import Matter, matter_of
from research.captures.paint import inner_parts, paint
from research.captures.picture import Triangles
from research.captures.texture import Tessellation, Texture, tessellate

WAVES, WAVELENGTH = 24, (0.07, 0.2)  # metres
BEND = 0.0022  # metres root mean square by which a face departs from the mix of known ones
FADE = (-0.10, -0.055)  # metres: heights between which the neck becomes the known one
LOPSIDED = 0.15  # share of that which differs between the sides

# Skin tones from light to dark with the lips that go with them.
_SKINS = ((226, 182, 160), (214, 168, 146), (196, 146, 120), (166, 114, 86), (118, 78, 58))
_LIPS = ((184, 98, 98), (178, 88, 88), (158, 88, 82), (138, 76, 70), (104, 58, 54))
_HAIRS: tuple[Colour, ...] = (
    (150, 112, 66),
    (112, 74, 44),
    (92, 60, 40),
    (58, 42, 32),
    (36, 29, 26),
    (124, 66, 38),
)
_IRISES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((100, 74, 48), (88, 88, 68), (132, 96, 54)),
    ((66, 46, 32), (52, 38, 30), (92, 62, 38)),
    ((92, 116, 138), (70, 96, 124), (140, 138, 110)),
    ((98, 108, 70), (74, 92, 70), (140, 114, 62)),
)
_MOOD = {
    "browInnerUp": 0.05,
    "browOuterUpLeft": 0.12,
    "browOuterUpRight": 0.12,
    "eyeWideLeft": 0.15,
    "eyeWideRight": 0.15,
    "mouthSmileLeft": 0.18,
    "mouthSmileRight": 0.18,
}
_CLOTHS: tuple[Colour, ...] = ((64, 84, 96), (74, 70, 76), (110, 56, 54), (62, 84, 66))


def subject_of(head: Head, seed: int) -> tuple[Head, Look]:
    """A head whose one identity, `subject`, is a new face, and how it is painted."""
    rng = np.random.default_rng([seed, 0])
    feminine = float(np.clip(rng.normal(0.15 if seed % 2 == 0 else 0.85, 0.12), 0, 1))
    offsets = feminine * head.identities["woman"] + (1 - feminine) * head.identities["man"]
    bent = _bend((head.vertices + offsets).numpy().astype(float), rng)
    offsets = offsets + torch.from_numpy(_rigid_eyes(head, bent)).float()
    return replace(head, identities={"subject": offsets}), _look(feminine, rng)


def _look(feminine: float, rng: np.random.Generator) -> Look:
    tone = rng.uniform(0, len(_SKINS) - 1)
    dark = tone / (len(_SKINS) - 1)
    style: HairStyle = "bob" if feminine > 0.5 else "short"
    hair = _HAIRS[rng.integers(len(_HAIRS)) if dark < 0.5 else rng.integers(3, 5)]
    iris = _IRISES[rng.integers(len(_IRISES)) if dark < 0.5 else rng.integers(2)]
    return Look(
        identity="subject",
        mood=dict(_MOOD),
        skin=_between(_SKINS, tone),
        blush=float(rng.uniform(0.7, 1.2)),
        freckles=float(rng.uniform(0.3, 1.6) * (1 - dark)),
        beard=0.0 if style == "bob" else float(rng.uniform(0.2, 1.0)),
        lips=_between(_LIPS, tone),
        lip_cover=0.55 + 0.2 * feminine,
        iris=iris,
        hair=hair,
        hair_style=style,
        brow_weight=1.15 - 0.3 * feminine,
        lash_weight=0.6 + 0.4 * feminine,
        cloth=_CLOTHS[rng.integers(len(_CLOTHS))],
    )


def _between(colours: tuple[Colour, ...], place: float) -> Colour:
    table = np.array(colours, float)
    mixed = [np.interp(place, np.arange(len(table)), table[:, channel]) for channel in range(3)]
    return (round(mixed[0]), round(mixed[1]), round(mixed[2]))


def _bend(vertices: Floats, rng: np.random.Generator) -> Floats:
    """A smooth field of offsets [V, 3], nearly the same on both sides of the face."""
    mirrored = vertices * [-1, 1, 1]
    field = _waves(vertices, mirrored, rng)
    own = _waves(vertices, vertices, rng)
    fade = smoothstep(*FADE, vertices[:, 1:2])
    return (field + LOPSIDED * own) * fade


def _waves(points: Floats, mirrored: Floats, rng: np.random.Generator) -> Floats:
    """Random plane waves, averaged with their mirror image where `mirrored` is not `points`."""
    total = np.zeros_like(points)
    for _ in range(WAVES):
        direction = rng.normal(size=3)
        wave = direction / np.linalg.norm(direction) * 2 * np.pi / rng.uniform(*WAVELENGTH)
        push, phase = rng.normal(size=3) * BEND / np.sqrt(WAVES / 2), rng.uniform(0, 2 * np.pi)
        here, there = np.cos(points @ wave + phase), np.cos(mirrored @ wave + phase)
        total += (np.outer(here, push) + np.outer(there, push * [-1, 1, 1])) / np.sqrt(2)
    return total


def _rigid_eyes(head: Head, offsets: Floats) -> Floats:
    """The same offsets [V, 3], but eyeballs are moved as a whole and stay round."""
    kept = offsets.copy()
    for group in ("l-eye", "r-eye"):
        rows = head.group_vertices(group).numpy()
        centre, _ = eyeball(head, head.vertices, group)
        near = np.linalg.norm(head.vertices.numpy() - centre.numpy(), axis=1) < 0.02
        kept[rows] = offsets[near].mean(0)
    return kept


SKIN_SEGMENTS, ROUND_SEGMENTS = 2, 4


@dataclass(frozen=True)
class Scene:
    """One subject, painted, ready to be posed."""

    head: Head
    units: Tensor  # [E, V, 3] fitted to this face
    rest: Tensor  # [V, 3] the head's mesh at rest
    body: Body
    solid: Ints  # [m, 3] triangles of the body that throw shade
    matter: Matter
    pieces: Tessellation  # of the body
    hair: Hair
    fine_hair: FineHair
    fog: Fog  # of the hair
    triangles: Triangles  # of the body's pieces, the hair, brows and lashes


def build_scene(seed: int) -> Scene:
    """The subject of a seed; the same seed gives the same one."""
    head, look = subject_of(load_head(), seed)
    subject = make_subject(head, look)
    body = dress(subject)
    rest = torch.from_numpy(subject.rest.vertices[: len(head.vertices)]).float()
    solid = _solid(body)
    shadows = cast(body.vertices, solid)
    inner = inside_mouth(subject, shadows)
    skin_rng, hair_rng, fine_rng = (np.random.default_rng([seed, 7, k]) for k in range(3))
    strands = grow(subject, look, inner, hair_rng)
    fog = hair_fog_of(strands, look.hair_style)
    hair = lit_hair(strands, look, shadows, fog)
    fine = fine_hair(subject, look, inner, fine_rng)
    pieces = _pieces(body)
    texture = paint(body, look, inner, skin_rng)
    return Scene(
        head=head,
        units=fit_units(head, rest),
        rest=rest,
        body=body,
        solid=solid,
        matter=matter_of(body, inner, solid, fog),
        pieces=pieces,
        hair=hair,
        fine_hair=fine,
        fog=fog,
        triangles=_triangles(body, _labels(body, inner), texture, pieces, hair, fine),
    )


def under_light(scene: Scene, light: CaptureLight) -> Scene:
    """The same subject under another light."""
    body = scene.body
    shadows = cast(body.vertices, scene.solid, directions=light.directions)
    return replace(
        scene,
        matter=scene.matter.under(light, body, scene.fog),
        hair=scene.hair.under(light, shadows, scene.fog),
    )


def _solid(body: Body) -> Ints:
    """What throws shade [m, 3]: all but eyeballs and lashes; hair has its fog."""
    teeth = body.subject.part("upper-teeth", "lower-teeth", "tongue")
    return body.faces[np.concatenate([body.skin, body.shoulders, body.cloth, body.band, teeth])]


def _pieces(body: Body) -> Tessellation:
    """Fine triangles of all of the body that may be seen."""
    rounded = inner_parts(body.subject)
    shown = np.concatenate([body.skin, body.shoulders, body.cloth, body.band, rounded])
    segments = np.where(np.isin(shown, rounded), ROUND_SEGMENTS, SKIN_SEGMENTS)
    return tessellate(shown, segments)


def _triangles(
    body: Body,
    labels: NDArray[np.uint8],
    texture: Texture,
    pieces: Tessellation,
    hair: Hair,
    fine: FineHair,
) -> Triangles:
    """All that is drawn: pieces of the body, ribbons of hair, brows and lashes."""
    parts = (pieces, hair, fine)
    counts = [len(pieces.triangles), len(hair.vertices), len(fine.triangles)]
    loose = len(hair.faces) + len(fine.faces)
    on_hair = np.full(len(hair.faces), REGION_LABELS["hair"])
    on_fine = np.where(fine.lash, REGION_LABELS["eyes"], REGION_LABELS["skin"])
    every_label = np.concatenate([labels[pieces.owners], on_hair, on_fine])
    return Triangles(
        faces=stacked([part.faces for part in parts], counts),
        owners=np.concatenate([pieces.owners, len(body.faces) + np.arange(loose)]),
        corners=np.concatenate([pieces.corners, np.tile(np.eye(3), (loose, 1, 1))]),
        labels=every_label.astype(np.uint8),
        fibrous=np.arange(len(pieces.faces) + loose) >= len(pieces.faces),
        texture=concatenated([texture, hair.texture, fine.texture]),
    )


def _labels(body: Body, inner: Bools) -> NDArray[np.uint8]:
    """The region [M] of each triangle: lips count as mouth, lids as eyes, clothes as none."""
    subject = body.subject
    labels = np.full(len(body.faces), REGION_LABELS["skin"], np.uint8)
    count = len(subject.faces)
    centres = subject.painted.vertices[subject.faces].mean(1) / MM
    scalp = scalp_mask(centres) > 0.5
    mouth, eyes = feature_triangles(subject.painted.vertices, subject.faces, subject.blink, inner)
    for name, mask in (("hair", scalp), ("mouth", mouth), ("eyes", eyes)):
        labels[:count][mask] = REGION_LABELS[name]
    labels[subject.part("l-eye", "r-eye")] = REGION_LABELS["eyes"]
    labels[subject.part("upper-teeth", "lower-teeth", "tongue")] = REGION_LABELS["mouth"]
    labels[np.concatenate([body.cloth, body.band])] = REGION_LABELS["background"]
    return labels
