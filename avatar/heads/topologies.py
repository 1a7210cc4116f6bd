"""The names of head topologies, and what is known of those that only their owner may hand out."""

from avatar.heads.head import SHIPPED

ANY_MESH = "mesh"
FLAME, FLAME_TEETH = "flame", "flame-teeth"
SIZES = {FLAME: (5023, 9976), FLAME_TEETH: (5143, 10144)}
"""Vertices and triangles of the topologies whose face list only their owner may hand out."""
FLAME_SHAPES = 300
TOPOLOGIES = (*SHIPPED, *SIZES, ANY_MESH)
