"""Speech with face motion, in the formats that it comes in."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from audio2mesh.data.dataset import Dataset as Dataset
    from audio2mesh.data.dataset import load_dataset as load_dataset
else:
    __getattr__ = lazy_names(__file__)
