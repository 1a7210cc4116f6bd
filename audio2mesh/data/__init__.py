"""Speech with face motion, in the formats that it comes in."""

from audio2mesh.data.dataset import Dataset as Dataset
from audio2mesh.data.dataset import load_dataset as load_dataset
from audio2mesh.data.regions import RegionOptions as RegionOptions
