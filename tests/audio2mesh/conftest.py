"""The fixtures of small models."""

from speech_models import face

__all__ = ["face"]
