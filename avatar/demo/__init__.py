"""A procedural portrait: Gaussians painted, lit and combed on the open head."""

from avatar.demo.build import build_avatar as build_avatar
from avatar.demo.look import Look as Look
