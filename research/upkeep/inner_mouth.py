"""Teeth and tongue for heads that have none: made here once, `avatar.retarget` has them."""

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.heads import load_head
from avatar.lighting.occlusion import Fog
from avatar.people.mouth import mouth_layer
from avatar.people.shading import Lighting, Studio, head_shadows
from avatar.people.subject import Look, make_subject
from avatar.rigging.binding import bind


def baked_inner_mouth() -> dict[str, NDArray]:
    """Raw Gaussians [N] of teeth and tongue, lit with the jaw open, in the frames of anny-head's
    triangles, by the names of their fields, in half precision; and `binding` [N], the triangles."""
    head = load_head()
    look = Look(identity=next(iter(head.identities)))
    subject = make_subject(head, look)
    shadows = head_shadows(subject, subject.stretched)
    lighting = Lighting(shadows, shadows, Fog(np.zeros((2, 2, 2), np.float32), np.zeros(3)))
    layer = mouth_layer(Studio(subject, lighting, np.random.default_rng(0)))
    vertices, faces = (
        torch.from_numpy(subject.rest.vertices).float(),
        torch.from_numpy(subject.faces),
    )
    raw = bind(layer.gaussians(), torch.from_numpy(layer.triangles), vertices, faces)
    arrays = {name: tensor.numpy().astype(np.float16) for name, tensor in vars(raw).items()}
    return {**arrays, "binding": layer.triangles.astype(np.int16)}
