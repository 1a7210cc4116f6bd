"""Measure re-enactment, and whether performances tell who gave them."""

from rich.table import Table

from avatar.evaluation.options import ReenactmentEvaluationOptions
from avatar.evaluation.reenactment.evaluate import ReenactmentEvaluation, evaluate_reenactment
from common.threads import use_threads
from configs.commands.kept import keep_report
from configs.commands.tables import print_table


def main(options: ReenactmentEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_reenactment(options)
    print_table(figures(result))
    if result.probe:
        print(
            f"a linear probe names the person of {result.probe.accuracy:.1%} of the frames, where "
            f"chance is {result.probe.chance:.1%}; most by {', '.join(result.probe.telling)}"
        )
    else:
        print("identity: not probed; it takes two people who both give the same two performances")
    keep_report(result.report(), options.report)


def figures(result: ReenactmentEvaluation) -> Table:
    """A row for each film."""
    table = Table("actor", "gap's correlation", "closures found", "false", "rotation (°)", "90th")
    for film in result.films:
        shares = (film.closures_found, film.closures_false)
        table.add_row(
            film.actor,
            "–" if film.gap_correlation is None else f"{film.gap_correlation:.3f}",
            *("–" if share is None else f"{share:.0%}" for share in shares),
            f"{film.rotation_deg:.2f}",
            f"{film.rotation_p90_deg:.2f}",
        )
    return table
