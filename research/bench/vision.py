"""How long the networks take for a picture."""

import time
from collections.abc import Iterator
from statistics import median

import torch

from avatar.vision.network import Name, load_network

INPUTS: dict[Name, tuple[int, ...]] = {
    "face_detector": (128, 128, 3),
    "face_detector_full_range": (192, 192, 3),
    "face_landmarks": (256, 256, 3),
    "face_scores": (146, 2),
    "person": (256, 256, 3),
    "hair": (512, 512, 4),
}
"""The shape of the input of each network, for one picture."""


def measure_networks(repeats: int) -> Iterator[tuple[Name, float, float]]:
    """Each network: its name, median seconds and median CPU seconds for a picture on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name, shape in INPUTS.items():
            network, given = load_network(name), torch.rand(1, *shape)
            network(given)
            spent = []
            for _ in range(repeats):
                wall, cpu = time.perf_counter(), time.process_time()
                network(given)
                spent.append((time.perf_counter() - wall, time.process_time() - cpu))
            walls, cpus = zip(*spent, strict=True)
            yield name, median(walls), median(cpus)
    finally:
        torch.set_num_threads(threads)
