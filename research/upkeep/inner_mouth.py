"""Teeth and tongue for heads that have none: made here once, `avatar.retarget` has them."""

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.heads import load_head
from avatar.heads.head import sealed
from avatar.lighting.occlusion import Fog
from avatar.people.bust import bust_subject
from avatar.people.garment import garment_of
from avatar.people.library import load_library, with_head
from avatar.people.mouth import mouth_layer
from avatar.people.shading import Lighting, Studio, bust_shadows
from avatar.rigging.binding import bind

CLOTHES = "male_casualsuit06"


def baked_inner_mouth() -> dict[str, NDArray]:
    """Raw Gaussians [N] of teeth and tongue, lit with the jaw open, in the frames of anny-head's
    triangles, by the names of their fields, in half precision; and `binding` [N], the triangles."""
    head, library = load_head(), load_library()
    first = head.vertices + next(iter(head.identities.values()))
    bust = with_head(library, library.vertices, sealed(head, first.numpy()))
    clothes = library.parts[f"clothes/{CLOTHES}"]
    subject, _ = bust_subject(library, bust, clothes, garment_of(clothes, bust, CLOTHES).surface)
    shadows = bust_shadows(subject, subject.stretched)
    lighting = Lighting(shadows, shadows, Fog(np.zeros((2, 2, 2), np.float32), np.zeros(3)))
    layer = mouth_layer(Studio(subject, lighting, np.random.default_rng(0)))
    vertices, faces = (
        torch.from_numpy(subject.rest.vertices).float(),
        torch.from_numpy(subject.faces),
    )
    raw = bind(layer.gaussians(), torch.from_numpy(layer.triangles), vertices, faces)
    arrays = {name: tensor.numpy().astype(np.float16) for name, tensor in vars(raw).items()}
    return {**arrays, "binding": layer.triangles.astype(np.int16)}
