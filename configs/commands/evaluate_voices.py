"""Let avatars speak with each other's voices and measure: tables, JSON with --report."""

from rich.table import Table

from avatar.evaluation.voices.evaluate import FIGURES, VoicesEvaluation, evaluate_voices
from avatar.evaluation.voices.options import VoicesEvaluationOptions
from common.threads import use_threads
from configs.commands.kept import keep_report
from configs.commands.tables import print_table


def main(options: VoicesEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_voices(options)
    print_table(pairs_table(result))
    for line in lines(result):
        print(line)
    keep_report(result.report(), options.report)


def pairs_table(result: VoicesEvaluation) -> Table:
    """What own voices give an avatar, and what others' give it."""
    table = Table("pairs", "count", "m b p shut", "LSE-D", "LSE-C")
    for name, own in (("synchronous", True), ("asynchronous", False)):
        means, count = result.means(own), str(len(result.pairs(own)))
        table.add_row(name, count, *(_number(means[figure]) for figure in FIGURES))
    return table


def lines(result: VoicesEvaluation) -> list[str]:
    """How alike all avatars speak, and how much they stay themselves."""
    alike = result.likeness()
    drifts = [each.identity.p95_mm for each in result.spoken]
    return [
        *(
            f"{what}: median {_number(alike[name])}, least {_number(alike[f'least_{name}'])}"
            for name, what in (
                ("gap", "lip gap alike on two avatars, correlation"),
                ("width", "mouth's width alike, correlation"),
                ("closures", "closures shared"),
            )
        ),
        f"identity: at most {max(drifts):.3f} mm from the person's own in 95 % of the frames",
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
