"""A tracked capture → an avatar: Gaussians learned on the triangles of the head."""

from avatar.reconstruct.fit import ReconstructOptions as ReconstructOptions
from avatar.reconstruct.fit import reconstruct as reconstruct
from avatar.reconstruct.options import TrainOptions as TrainOptions
