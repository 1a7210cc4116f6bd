"""Teeth, tongue, eyeballs and lashes follow the skin that holds them."""

import numpy as np

from avatar.mesh.similarity import fit_similarity
from avatar.mesh.vectors import Floats
from avatar.transfer.template import Template

MOUTH_PARTS = ("tongue", "upper-teeth", "lower-teeth")
EYES = {side: (f"{side}-eye", f"{side}-eyelashes-1", f"{side}-eyelashes-2") for side in ("l", "r")}
AROUND = 0.012  # metres: the skin this near to a part, and half as near again, tells where it goes


def place_parts(template: Template, fitted: Floats) -> Floats:
    """Fitted vertices [S, 3] with the parts other than the body where the fitted body holds them.

    The parts of the mouth move together, so that they keep from each other; each eye moves with its
    lashes. A part keeps its shape: one similarity for each.
    """
    placed = fitted.copy()
    head = template.head
    skin = np.flatnonzero(template.outer)
    for groups in (MOUTH_PARTS, *EYES.values()):
        part = head.group_vertices(*groups).numpy()
        from_skin = _distances(template.vertices[skin], template.vertices[part])
        weights = np.exp(-0.5 * (from_skin / AROUND) ** 2) + 1e-9
        motion = fit_similarity(template.vertices[skin], fitted[skin], weights)
        placed[part] = motion.apply(template.vertices[part])
    return placed


def _distances(points: Floats, part: Floats) -> Floats:
    """From each point [P, 3] to the nearest vertex of a part [Q, 3]."""
    return np.sqrt(((points[:, None] - part[None]) ** 2).sum(2).min(1))
