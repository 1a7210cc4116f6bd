"""Presets of speech-to-motion training."""

from audio2mesh.augment import AugmentOptions
from audio2mesh.decoder import DecoderOptions
from audio2mesh.model import ModelOptions
from audio2mesh.train import TrainOptions

SHIPPED = TrainOptions()
"""How the weights that ship with the package were trained."""

SHIPPED_MODEL = ModelOptions()
"""The model that ships with the package."""

SMOKE = TrainOptions(steps=20, batch=2, passes=1, refresh=20, augment=AugmentOptions(clean=1.0))
"""A run of a minute, to see that a data set and a machine work."""

SMOKE_MODEL = ModelOptions(decoder=DecoderOptions(width=32, layers=1))
"""A model as small as the run."""
