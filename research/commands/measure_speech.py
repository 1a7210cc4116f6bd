"""Measure speech and what moves with it: tables, JSON with --report."""

from math import isfinite

from rich.table import Table

from audio2mesh.lipreading.network import load_lipreader
from audio2mesh.sync.critic import load_syncnet
from avatar.heads import load_head
from avatar.lipreading.sound_delay import speaking_head
from common.errors import InputError
from common.threads import use_threads
from research.commands.printing import cell, cells, print_table, show
from research.corpus.recordings import read_transcripts
from research.evaluation.emotion.evaluate import SHARED, EmotionEvaluation, evaluate_emotion
from research.evaluation.emotion.kept import Kept
from research.evaluation.emotion.seen import write_emotion_sheet
from research.evaluation.head.card import ROWS, Band
from research.evaluation.head.evaluate import HeadEvaluation, evaluate_head
from research.evaluation.options import (
    EmotionEvaluationOptions,
    HeadEvaluationOptions,
    SpeechEvaluationOptions,
    VoicesEvaluationOptions,
)
from research.evaluation.speech.evaluate import Evaluation, evaluate, figures_table
from research.evaluation.speech.measures import Judge, sync_judge
from research.evaluation.speech.recordings import Material
from research.evaluation.voices.evaluate import VoicesEvaluation, evaluate_voices
from research.lipreading.judge import lip_reading_judge


def evaluate_spoken(options: SpeechEvaluationOptions) -> None:
    use_threads(options.threads)
    if options.transcripts and not options.lip_reading:
        raise InputError("--transcripts: words are read from lips; add --lip-reading")
    texts = read_transcripts(options.transcripts) if options.transcripts else None

    def judges(material: Material) -> Judge:
        sync = sync_judge(load_syncnet(options.syncnet, role="evaluation"), material.face)
        if not options.lip_reading:
            return sync
        reader = load_lipreader(options.lipreader)
        reading = lip_reading_judge(reader, load_head(), material, texts)
        return lambda *said: sync(*said) | reading(*said)

    result = evaluate(options, speaking_head(), judges)
    show(speech_tables(result), result.report(), options.report)


def speech_tables(result: Evaluation) -> list[Table]:
    """All recordings together, and the medians over them."""
    recordings = result.material.recordings
    minutes = sum(recording.seconds for recording in recordings) / 60
    columns = result.rows | ({"truth": result.truth} if result.truth else {})
    tables = [figures_table(columns, f"{len(recordings)} recordings, {minutes:.1f} minutes")]
    if len(recordings) > 1:
        tables.append(figures_table(result.medians(), "their medians over the recordings"))
    return tables


GROWS = 0.9
"""The rank correlation from which a score counts as growing."""


def evaluate_emotions(options: EmotionEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_emotion(options)
    if options.sheet:
        write_emotion_sheet(options.sheet, result.people)
    tables = [*(kept_table(result, face) for face in result.neutral), seen_table(result)]
    show(tables, result.report(), options.report, options.sheet)


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


def _row(gated: Kept, plain: Kept | None) -> list[str]:
    names = "closure_mbp", "contact_fv", "rounding", "largest_gap_mm"
    found = [getattr(kept, name, None) for name in names for kept in (gated, plain)]
    forms = ".1% .1% .1% .1% .1% .1% .2f .2f .3f .3f"
    return cells([*found, gated.lse_d, gated.lse_d_about_rest], forms)


def seen_table(result: EmotionEvaluation) -> Table:
    """How emotions grow with intensity, and how often they are recognised."""
    table = Table("emotion", "units grow", *(f"named at {level}" for level in result.recognised))
    for name in result.gated[SHARED]:
        seen = [unit for by in result.seen_growth.values() for unit in by[name].values()]
        grow = f"{sum(value >= GROWS for value in seen)} of {len(seen)}"
        table.add_row(name, grow, *(f"{by[name]:.0%}" for by in result.recognised.values()))
    return table


def evaluate_all_voices(options: VoicesEvaluationOptions) -> None:
    use_threads(options.threads)
    result = evaluate_voices(options)
    print_table(pairs_table(result))
    print("\n".join(lines(result)))
    show([], result.report(), options.report)


def pairs_table(result: VoicesEvaluation) -> Table:
    """What own voices give an avatar, and what others' give it."""
    table = Table("pairs", "count", "m b p shut", "LSE-D", "LSE-C")
    for name, own in (("synchronous", True), ("asynchronous", False)):
        figures = [len(result.pairs(own)), *result.means(own).values()]
        table.add_row(name, *cells(figures, "d .3f .3f .3f"))
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
    show([head_table(result)], result.report(), options.report)


def head_table(result: HeadEvaluation) -> Table:
    """A row for each measure, a column for each kind of head; * where people are otherwise."""
    table = Table("", "people", "reading", *(column.title for column in result.columns))
    found = [(column.card, column.outside) for column in result.columns]
    for row in ROWS:
        figures = (cell(c[row.name], ".2f") + "*" * (row.name in outside) for c, outside in found)
        table.add_row(row.title, _band(row.speaker), _band(row.reader), *figures)
    return table


def _band(band: Band | None) -> str:
    if band is None:
        return ""
    low, high = band
    return f"{low:g} to {high:g}" if isfinite(high) else f"from {low:g}"
