"""A tracked capture → an avatar: Gaussians learned on the triangles of the head."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.reconstruct.fit import reconstruct as reconstruct
    from avatar.reconstruct.options import AvatarTrainOptions as AvatarTrainOptions
    from avatar.reconstruct.options import ReconstructOptions as ReconstructOptions
else:
    __getattr__ = lazy_names(__file__)
