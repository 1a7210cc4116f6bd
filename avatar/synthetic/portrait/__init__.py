"""A procedural portrait: Gaussians painted, lit and combed on the open head."""

from avatar.synthetic.portrait.build import build_avatar as build_avatar
from avatar.synthetic.shared.look import Look as Look
