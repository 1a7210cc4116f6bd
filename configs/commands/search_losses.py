"""Search the weights of the sync and the lip-reading loss: short trainings, scored and logged."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from audio2mesh.evaluation.measures import Judge
from audio2mesh.evaluation.recordings import Material
from audio2mesh.evaluation.table import figures_table
from audio2mesh.sync import load_syncnet
from audio2mesh.sync.judge import sync_judge
from audio2mesh.training.search import Grid, search
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry, face_units
from configs.joint import JointOptions, critic_factories


@dataclass(frozen=True)
class SearchOptions(JointOptions):
    """Train with many weights of the losses and compare; --out is a folder."""

    grid: Grid = field(default_factory=Grid)
    """What to try."""
    judge: Path | None = None
    """SyncNet3D that measures LSE-D and LSE-C; by default the one that ships."""


def main(options: SearchOptions) -> None:
    head = load_head(options.head)

    def judges(material: Material, fps: float) -> Judge:
        return sync_judge(load_syncnet(options.judge, role="evaluation"), material.face)

    figures = search(
        options,
        options.grid,
        face_units(head),
        face_geometry(head),
        critic_factories(options, head),
        judges,
    )
    console = Console()
    table = figures_table(figures, f"{len(figures)} runs of {options.train.steps} steps")
    if not console.is_terminal:
        console.width = max(console.width, console.measure(table).maximum)
    console.print(table)
