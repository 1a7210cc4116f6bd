"""One identity's bust, as vertices of the library's base mesh and as a subject to be lit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from avatar.geometry.records import stacked
from avatar.geometry.vectors import Floats
from avatar.heads import Head, fit_units, load_head
from avatar.heads.head import sealed, settle_mouth
from avatar.heads.shape_space import SHIFTS, load_shape_space
from avatar.people.library import Library, Part, with_head
from avatar.people.subject import (
    STRETCH,
    Subject,
    flattened_ears,
    followed,
)
from avatar.people.surface import Mesh, mesh


def bust_of(library: Library, mix: Mapping[str, float], modes: Sequence[float] = ()) -> Floats:
    """Vertices [B, 3] of the bust of one identity, its lips sealed and its mouth settled.

    mix: weights of targets by name; modes: coefficients of the shape space after its SHIFTS, from
    N(0, 1).
    """
    head = load_head()
    offsets = np.sum([w * library.targets[name] for name, w in mix.items()], axis=0)
    offsets = offsets - np.median(offsets[library.head], axis=0) * [0, 1, 1]
    bust = library.vertices + offsets
    if len(modes):
        space = load_shape_space().modes[SHIFTS : SHIFTS + len(modes)].double().numpy()
        moves = np.einsum("m,mvx->vx", np.asarray(modes), space)
        bust = with_head(library, bust, bust[library.head] + moves)
    parts = {name: head.group_vertices(name).numpy() for name in head.group_names}
    bust[library.head] = settle_mouth(sealed(head, bust[library.head]), parts)
    return bust


def with_mood(library: Library, bust: Floats, mood: Mapping[str, float]) -> Floats:
    """The bust with expression units that belong to the resting face, lips sealed again."""
    head = load_head()
    plain = torch.from_numpy(bust[library.head]).float()
    moody = plain + replace(head, units=fit_units(head, plain)).express(mood)
    moved = bust.copy()
    moved[library.head] = sealed(head, moody.numpy())
    return moved


def with_flat_ears(library: Library, bust: Floats) -> Floats:
    """The bust with the ears close to the skull, for hair to fall over."""
    flat = bust.copy()
    neutral = load_head().vertices.double().numpy()
    flat[library.head] = flattened_ears(bust[library.head], neutral)
    return flat


def bust_subject(
    library: Library, bust: Floats, clothes: Part, cloth: Mesh, ears_covered: bool = False
) -> tuple[Subject, Floats]:
    """The subject of a bust [B, 3] at rest, and texture coordinates [M, 3, 2] of its triangles.

    clothes: what is worn, as it lies on the bust (cloth); skin that it hides is left out;
    ears_covered: by hair.
    """
    head = load_head()
    count = len(head.vertices)
    number = np.full(len(bust), -1)
    number[library.head] = np.arange(count)
    below_head = (number[library.faces] < 0).any(1)
    bare = below_head & np.logical_not(np.isin(library.faces, clothes.hides).any(1))
    below = np.setdiff1d(library.faces[bare], library.head)
    number[below] = count + np.arange(len(below))
    skin = np.concatenate([head.faces.numpy(), number[library.faces[bare]]])
    faces = stacked([skin, cloth.faces], [count + len(below), len(cloth.vertices)])
    torso = np.arange(len(head.faces), len(faces))
    rest = torch.from_numpy(bust[library.head]).float()
    units = fit_units(head, rest)
    stretched = (rest + replace(head, units=units).express(STRETCH)).numpy().astype(float)
    body = head.group_faces("body").numpy()
    blink = (head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")).norm(dim=1)

    def whole(shape: Floats) -> Floats:
        return np.concatenate([shape, bust[below], cloth.vertices])

    resting = mesh(whole(bust[library.head]), faces)
    subject = Subject(
        head=head,
        units=units,
        painted=mesh(whole(head.vertices.double().numpy()), faces),
        rest=resting,
        stretched=mesh(whole(stretched), faces),
        skin=body,
        bare=torso[: bare.sum()],
        torso=torso,
        owners=followed(head, resting, body, torso),
        ears_covered=ears_covered,
        blink=np.pad(blink.double().numpy(), (0, len(below) + len(cloth.vertices))),
    )
    uv = _texture_coordinates(library, head, bare)
    return subject, np.pad(uv, ((0, len(cloth.faces)), (0, 0), (0, 0)))


def _texture_coordinates(library: Library, head: Head, bare: np.ndarray) -> Floats:
    """[M, 3, 2] of the head's triangles, 0 off the skin, and of the bare torso's."""
    known = {
        frozenset(triangle): dict(zip(triangle, uv, strict=True))
        for triangle, uv in zip(library.faces.tolist(), library.uv, strict=True)
    }
    uv = np.zeros((len(head.faces), 3, 2))
    for row, triangle in enumerate(library.head[head.faces.numpy()].tolist()):
        if corners := known.get(frozenset(triangle)):
            uv[row] = [corners[vertex] for vertex in triangle]
    return np.concatenate([uv, library.uv[bare]])
