"""Measure speech-to-motion weights on recordings: one table, and JSON with --report."""

import json

from rich.console import Console

from audio2mesh.evaluation.evaluate import EvaluateOptions, Evaluation, evaluate
from audio2mesh.evaluation.table import figures_table
from avatar.heads import face_geometry, face_units, load_head
from configs.command import run_command
from splat import write_beside


def main(options: EvaluateOptions) -> None:
    head = load_head(options.head)
    face = face_geometry(head)
    result = evaluate(options, face_units(head), face, lambda *_: {})
    show(result)
    if options.report:
        with write_beside(options.report) as partial:
            partial.write_text(json.dumps(result.report(), indent=2) + "\n")
        print(f"wrote {options.report}")


def show(result: Evaluation) -> None:
    """Print the table, as wide as it needs to be where the output is no terminal."""
    seconds = sum(recording.seconds for recording in result.recordings)
    columns = result.rows | ({"truth": result.truth} if result.truth else {})
    title = f"{len(result.recordings)} recordings, {seconds / 60:.1f} minutes"
    table = figures_table(columns, title)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, console.measure(table).maximum)
    console.print(table)


if __name__ == "__main__":
    run_command(main, EvaluateOptions)
