"""Measure speech and what moves with it: tables, JSON with --report."""

from collections.abc import Iterable
from math import isfinite

from rich.table import Table

from audio2mesh.lipreading.network import load_lipreader
from audio2mesh.sync.critic import load_syncnet
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from common.errors import InputError
from common.threads import use_threads
from research.commands.printing import keep_report, print_table
from research.corpus.recordings import read_transcripts
from research.evaluation.emotion.evaluate import SHARED, EmotionEvaluation, evaluate_emotion
from research.evaluation.emotion.kept import Kept
from research.evaluation.emotion.seen import write_emotion_sheet
from research.evaluation.figures import cell
from research.evaluation.head.card import ROWS, Band
from research.evaluation.head.evaluate import HeadEvaluation, evaluate_head
from research.evaluation.options import (
    EmotionEvaluationOptions,
    HeadEvaluationOptions,
    SpeechEvaluationOptions,
    VoicesEvaluationOptions,
)
from research.evaluation.speech.evaluate import Evaluation, evaluate, figures_table
from research.evaluation.speech.judges import sync_judge, together
from research.evaluation.speech.measures import Judge
from research.evaluation.speech.recordings import Material
from research.evaluation.voices.evaluate import FIGURES, VoicesEvaluation, evaluate_voices
from research.lipreading.judge import lip_reading_judge


def evaluate_spoken(options: SpeechEvaluationOptions) -> None:
    use_threads(options.threads)
    if options.transcripts and not options.lip_reading:
        raise InputError("--transcripts: words are read from lips; add --lip-reading")
    texts = read_transcripts(options.transcripts).texts if options.transcripts else None
    head = load_head()

    def judges(material: Material) -> Judge:
        sync = sync_judge(load_syncnet(options.syncnet, role="evaluation"), material.face)
        if not options.lip_reading:
            return sync
        reader = load_lipreader(options.lipreader)
        return together(sync, lip_reading_judge(reader, head, material, texts))

    result = evaluate(options, face_units(head), face_geometry(head), head.topology, judges)
    print_figures(result)
    keep_report(result.report(), options.report)


def print_figures(result: Evaluation) -> None:
    """Print the tables."""
    recordings = result.material.recordings
    minutes = sum(recording.seconds for recording in recordings) / 60
    columns = result.rows | ({"truth": result.truth} if result.truth else {})
    table = figures_table(columns, f"{len(recordings)} recordings, {minutes:.1f} minutes")
    print_table(table)
    if len(recordings) > 1:
        print_table(figures_table(result.medians(), "their medians over the recordings"))


GROWS = 0.9
"""The rank correlation from which a score counts as growing."""


def evaluate_emotions(options: EmotionEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_emotion(options)
    for table in (*(kept_table(result, face) for face in result.neutral), seen_table(result)):
        print_table(table)
    if options.sheet:
        write_emotion_sheet(options.sheet, result.people)
    keep_report(result.report(), options.report, options.sheet)


def kept_table(result: EmotionEvaluation, face: str) -> Table:
    """What speech keeps on one face, a row for each emotion and intensity."""
    table = Table(
        *("emotion", "at", "m b p shut", "added plainly", "f v", "plainly", "round kept"),
        *("plainly", "largest gap (mm)", "plainly", "LSE-D", "about rest"),
        title=face,
    )
    table.add_row("neutral", "", *_row(result.neutral[face], None))
    for name, by in result.gated[face].items():
        for at, kept in by.items():
            table.add_row(name, at, *_row(kept, result.plain[face][name][at]))
    return table


def _row(gated: Kept, plain: Kept | None) -> Iterable[str]:
    for figure in ("closure_mbp", "contact_fv", "rounding", "largest_gap_mm"):
        form = ".2f" if figure == "largest_gap_mm" else ".1%"
        for kept in (gated, plain):
            yield cell(getattr(kept, figure) if kept else None, form)
    for value in (gated.lse_d, gated.lse_d_about_rest):
        yield cell(value, ".3f")


def seen_table(result: EmotionEvaluation) -> Table:
    """How emotions grow with intensity, and how often they are recognised."""
    at = list(result.recognised)
    table = Table("emotion", "units grow", *(f"named at {level}" for level in at))
    for name in result.gated[SHARED]:
        seen = [unit for by in result.seen_growth.values() for unit in by[name].values()]
        shares = [result.recognised[level][name] for level in at]
        table.add_row(
            name,
            f"{sum(value >= GROWS for value in seen)} of {len(seen)}",
            *(f"{share:.0%}" for share in shares),
        )
    return table


def evaluate_all_voices(options: VoicesEvaluationOptions) -> None:
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
        table.add_row(name, count, *(cell(means[figure], ".3f") for figure in FIGURES))
    return table


def lines(result: VoicesEvaluation) -> list[str]:
    """How alike all avatars speak, and how much they stay themselves."""
    alike = result.likeness()
    drifts = [each.identity_mm for each in result.spoken]
    return [
        *(
            f"{what}: median {cell(alike[name], '.3f')}, "
            f"least {cell(alike[f'least_{name}'], '.3f')}"
            for name, what in (
                ("gap", "lip gap alike on two avatars, correlation"),
                ("width", "mouth's width alike, correlation"),
                ("closures", "closures shared"),
            )
        ),
        f"identity: at most {max(drifts):.3f} mm from the person's own in 95 % of the frames",
    ]


def evaluate_heads(options: HeadEvaluationOptions) -> None:
    result = evaluate_head(options)
    print_table(head_table(result))
    keep_report(result.report(), options.report)


def head_table(result: HeadEvaluation) -> Table:
    """A row for each measure, a column for each kind of head; * where people are otherwise."""
    table = Table("", "people", "reading", *(column.title for column in result.columns))
    cards = [column.card for column in result.columns]
    outside = [column.outside for column in result.columns]
    for row in ROWS:
        figures = []
        for card, beyond in zip(cards, outside, strict=True):
            figure = card[row.name]
            star = "*" if row.name in beyond else ""
            figures.append(cell(figure, ".2f") + star)
        table.add_row(row.title, _band(row.speaker), _band(row.reader), *figures)
    return table


def _band(band: Band | None) -> str:
    if band is None:
        return ""
    low, high = band
    return f"{low:g} to {high:g}" if isfinite(high) else f"from {low:g}"
