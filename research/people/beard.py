"""Short beards of made-up people."""

from typing import Literal

import numpy as np

from avatar.geometry.vectors import MM, Floats, smoothstep
from avatar.people.layer import Layer
from avatar.people.masks import beard_mask
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.short_hair import downwards, risen, roots_on, short_strands
from avatar.people.skin import OpenSkin
from avatar.people.subject import Colour
from avatar.people.textured import BROW_SHADE

BeardForm = Literal["full", "goatee", "moustache"]
FULL = 0.7  # share of the closest hair that a beard has
BETWEEN = 0.45  # share of the hair's colour in that of the skin between
GOATEE, UPPER_LIP = (34.0, 22.0), (-45.0, -40.0)  # millimetres beside the middle, and of height
GREYING = 0.35  # deviation of the logarithm of hairs' reflectance


def bearded(mm: Floats, form: BeardForm | None) -> Floats:
    """How closely [N] a beard grows at points [N, 3] on the mean head in millimetres."""
    if form is None:
        return np.zeros(len(mm))
    grown = FULL * beard_mask(mm)
    if form != "full":
        grown *= smoothstep(*GOATEE, np.abs(mm[:, 0]))
    return grown * smoothstep(*UPPER_LIP, mm[:, 1]) if form == "moustache" else grown


def beard_layer(studio: Studio, skin: OpenSkin, form: BeardForm, colour: Colour) -> Layer:
    """The Gaussians of a beard."""
    subject, rng = studio.subject, studio.rng
    outer = ~skin.inner_vertices[subject.faces[subject.skin]].any(1)
    roots = roots_on(
        subject.rest,
        subject.skin[outer],
        lambda spots: bearded(subject.millimetres(spots), form),
        rng,
    )
    visible = studio.light.at_rest(roots.points + roots.normals * MM, 2 * MM)
    each = np.exp(GREYING * rng.normal(size=(len(roots), 1)))
    radiance = lit_skin(roots.normals, visible, BROW_SHADE * linear(colour) * each, 0.5)
    return short_strands(roots, risen(roots, downwards(roots.points), rng), radiance)
