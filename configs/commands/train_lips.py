"""Train the lip reader, whose frozen features are the lip-reading loss."""

from avatar.lipreading.train import LipFitOptions, fit_lipreader


def main(options: LipFitOptions) -> None:
    scores = fit_lipreader(options)
    for name, value in scores.items():
        print(f"{name:>10} error rate {100 * value:6.1f} %")
    print(f"wrote {options.out}")
