"""Search the weights of the sync and the lip-reading loss: short trainings, scored and logged."""

from audio2mesh.data.sources import TrainingData, load_sources, to_common_basis
from audio2mesh.evaluation.measures import Judge
from audio2mesh.evaluation.options import MaterialOptions
from audio2mesh.evaluation.recordings import Material, load_material
from audio2mesh.evaluation.table import figures_table
from audio2mesh.sync import load_syncnet
from audio2mesh.sync.judge import sync_judge
from audio2mesh.training.distributed import check_alone
from audio2mesh.training.search import search
from avatar.heads import Head, load_head
from avatar.lipreading.face_geometry import face_geometry, face_units
from common.errors import InputError
from common.threads import use_threads
from common.training_loop import check_steps
from configs.commands.tables import print_table
from configs.joint import critic_factories, training_device
from configs.training_options import SearchOptions


def main(options: SearchOptions) -> None:
    check_alone("search-losses")
    train, critics = options.fit.train, options.critics
    use_threads(options.fit.threads)
    check_steps(train.steps, train.save_every)
    device = training_device(options.fit.device, max(options.grid.lipreading) > 0, critics)
    head = load_head()
    data = load_sources(options.sources, face_units(head), face_geometry(head), head.topology)

    def judges(material: Material, fps: float) -> Judge:
        return sync_judge(load_syncnet(options.critics.syncnet, "loss"), material.face)

    figures = search(
        options.fit,
        options.grid,
        options.out,
        to_common_basis(data),
        scored_material(options, data, head),
        critic_factories(critics, head),
        judges,
        device,
    )
    print_table(figures_table(figures, f"{len(figures)} runs of {train.steps} steps"))
    print(f"wrote {options.out}")


def scored_material(options: SearchOptions, data: TrainingData, head: Head) -> Material:
    """The recordings that runs are scored on. InputError if there are none."""
    names = () if options.test_data else tuple(clip.name for clip in data.held)
    if not (options.test_data or names):
        raise InputError("there is nothing to score on: give --held-out or --test-data")
    sources = options.sources
    folders = options.test_data or sources.data
    chosen = MaterialOptions(folders, names, split="validation", regions=sources.regions)
    return load_material(chosen, face_units(head), face_geometry(head), head.topology)
