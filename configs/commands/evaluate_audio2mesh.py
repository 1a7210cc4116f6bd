"""Measure speech-to-motion weights on recordings: one table, JSON with --report, --plots."""

from pathlib import Path

from audio2mesh.evaluation.articulation import lip_opening
from audio2mesh.evaluation.evaluate import EvaluateOptions, Evaluation, evaluate
from audio2mesh.evaluation.measures import Judge
from audio2mesh.evaluation.plots import Curves, draw_openings
from audio2mesh.evaluation.recordings import Material
from audio2mesh.evaluation.table import figures_table
from audio2mesh.lipreading import load_lipreader
from audio2mesh.sync import load_syncnet
from audio2mesh.sync.judge import sync_judge, together
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_geometry, face_units
from avatar.lipreading.judge import lip_reading_judge
from common.atomic import write_beside
from common.threads import use_threads
from configs.commands.kept import keep_report
from configs.commands.tables import print_table


def main(options: EvaluateOptions) -> None:
    use_threads(options.threads)
    head = load_head()

    def judges(material: Material) -> Judge:
        sync = sync_judge(load_syncnet(options.syncnet, role="evaluation"), material.face)
        if not options.lip_reading:
            return sync
        return together(sync, lip_reading_judge(load_lipreader(options.lipreader), head, material))

    result = evaluate(options, face_units(head), face_geometry(head), head.topology, judges)
    show(result)
    keep_report(result.report(), options.report)
    if options.plots:
        plot(result, options.plots)
        print(f"wrote {len(result.material.recordings)} pictures to {options.plots}")


def show(result: Evaluation) -> None:
    """Print the tables."""
    recordings = result.material.recordings
    minutes = sum(recording.seconds for recording in recordings) / 60
    columns = result.rows | ({"truth": result.truth} if result.truth else {})
    table = figures_table(columns, f"{len(recordings)} recordings, {minutes:.1f} minutes")
    print_table(table)
    if len(recordings) > 1:
        print_table(figures_table(result.medians(), "their medians over the recordings"))


def plot(result: Evaluation, folder: Path) -> None:
    """Write one picture for each recording."""
    folder.mkdir(parents=True, exist_ok=True)
    for recording in result.material.recordings:
        openings = {
            row: 1e3 * lip_opening(motions[recording.name], result.material.face).numpy()
            for row, motions in result.motions.items()
            if recording.name in motions
        }
        curves = Curves(recording.name, recording.audio, result.fps, openings, recording.phones)
        with write_beside(folder / f"{recording.name.replace('/', '_')}.png") as partial:
            draw_openings(curves).save(partial)
