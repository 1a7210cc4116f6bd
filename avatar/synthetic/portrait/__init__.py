"""A procedural portrait: Gaussians painted, lit and combed on the open head."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.synthetic.portrait.build import build_avatar as build_avatar
    from avatar.synthetic.shared.look import Look as Look
else:
    __getattr__ = lazy_names(__file__)
