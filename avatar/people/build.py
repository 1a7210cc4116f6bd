"""Bind a portrait to its head."""

import torch

from avatar.people.layer import Layer
from avatar.people.subject import Subject
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind


def bound(layer: Layer, subject: Subject) -> Avatar:
    """Gaussians of a layer bound to the triangles of the subject's head."""
    vertices = torch.from_numpy(subject.rest.vertices[: len(subject.head.vertices)]).float()
    binding = torch.from_numpy(subject.owners[layer.triangles])
    faces = subject.head.faces
    return Avatar(
        bind(layer.gaussians(), binding, vertices, faces), binding, vertices, faces, "anny-head"
    )
