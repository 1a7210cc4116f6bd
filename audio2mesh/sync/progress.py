"""Training steps with a progress bar, kept on disk when they are broken off."""

from collections.abc import Callable
from pathlib import Path

from rich.progress import Progress, TimeRemainingColumn

from audio2mesh.sync.averaged import AveragedRun


def run_steps(
    run: AveragedRun,
    train_step: Callable[[], dict[str, float]],
    out: Path,
    record: str,
    fill: Callable[[Callable[[int, int], None]], None] | None = None,
) -> None:
    """All steps that remain, taken up where the run behind `out` was broken off.

    Ctrl-C leaves `<out>.state`, from which the same call continues; the caller removes it once
    `out` is written. `fill` prepares examples before the first step and is told whom to report to.
    """
    state = state_path(out)
    if state.exists():
        run.resume(state, record)
        print(f"continuing {state} at step {run.step}")
    try:
        _with_bars(run, train_step, fill)
    except KeyboardInterrupt:
        run.save(state, record)
        print(f"stopped at step {run.step}; the same command continues from {state}")
        raise


def state_path(out: Path) -> Path:
    """Where an unfinished run behind `out` lies."""
    return out.with_name(out.name + ".state")


def _with_bars(
    run: AveragedRun,
    train_step: Callable[[], dict[str, float]],
    fill: Callable[[Callable[[int, int], None]], None] | None,
) -> None:
    columns = (
        *Progress.get_default_columns()[:-1],
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns) as progress:
        if fill:
            cutting = progress.add_task("cut and augment speech", total=None)
            fill(lambda done, total: progress.update(cutting, completed=done, total=total))
        task = progress.add_task("train", total=run.options.steps, completed=run.step)
        while run.step < run.options.steps:
            losses = train_step()
            text = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            progress.update(task, completed=run.step, description=f"train  {text}")
