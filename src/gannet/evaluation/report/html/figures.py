"""Figures of a report. Lines differ in dash and marks in shape, not in colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gannet.core.errors import need
from gannet.core.io.training_log import TrainingLog
from gannet.core.scores import Component, Histogram, TrainingDistance
from gannet.evaluation.evaluate import Score
from gannet.evaluation.report.html.theme import FAINT, FAKE, INK, PLAIN, REAL, drawing, svg
from gannet.evaluation.report.summary import number

WIDE = 25
"""Ratio of the largest to the smallest number beyond which an axis is logarithmic."""

FEW_POWERS = 100
"""Ratio below which a logarithmic axis has labels between the powers of ten as well."""

LETTERS = 22
"""Maximum letters of a name beside a bar."""


class Line(NamedTuple):
    """A monitored measure in a figure of training."""

    name: str
    label: str
    color: str
    dash: Any
    marker: str


def score_figure(score: Score, baseline: str) -> str:
    """One score on its axis: fakes with interval, reference, baseline, upper bound, chance."""
    with drawing(0.85, salt=f"score {score.name}") as figure:
        axes: Any = figure.add_subplot()
        axes.axvspan(
            score.reference_low,
            score.reference_high,
            ymin=0.1,
            ymax=0.9,
            facecolor="none",
            edgecolor=REAL,
            hatch="////",
            linewidth=0.8,
        )
        axes.axvline(score.reference, 0.1, 0.9, color=REAL, linewidth=1.5)
        axes.plot([score.low, score.high], [0, 0], color=FAKE, linewidth=3, solid_capstyle="butt")
        axes.plot(score.value, 0, "o", color=FAKE, markersize=9)
        marks = [score.value, score.low, score.high, score.reference_low, score.reference_high]
        if score.chance is not None:
            axes.axvline(score.chance, color=INK, linewidth=1, linestyle=":")
            marks.append(score.chance)
        if score.baseline is not None:
            axes.plot(score.baseline, 0, "X", color=PLAIN, markersize=9)
            marks.append(score.baseline)
        if score.upper_bound is not None:
            axes.plot(score.upper_bound, 0, "^", color=INK, markersize=8, fillstyle="none")
            marks.append(score.upper_bound)
        _scale(axes, marks)
        axes.set_ylim(-1, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        return svg(figure, alt=_caption(score, baseline))


def _caption(score: Score, baseline: str) -> str:
    said = (
        f"{score.name}: {number(score.value)}, interval {number(score.low)} to "
        f"{number(score.high)}; reals {number(score.reference)}"
    )
    plain = "" if score.baseline is None else f"; {baseline} {number(score.baseline)}"
    return f"{said}{plain}; {score.better} is good"


def _scale(axes: Any, marks: Sequence[float]) -> None:
    """Logarithmic axis where the numbers differ by orders of magnitude."""
    least, most = min(marks), max(marks)
    small = sorted(abs(mark) for mark in marks if mark)[: len(marks) // 2 + 1]
    if not small or most <= WIDE * small[-1]:
        margin = 0.06 * (most - least) or 0.5
        axes.set_xlim(least - margin, most + margin)
        return
    if least > 0:
        axes.set_xscale("log")
        axes.set_xlim(least / 1.3, most * 1.3)
    else:
        axes.set_xscale("symlog", linthresh=small[-1])
        axes.set_xlim(least - small[-1], most * 1.3)
    _plain_ticks(axes.xaxis, marks)


def training_figures(training_log: TrainingLog, made: str = "fakes") -> list[tuple[str, str]]:
    """Training curves: title and drawing of each measure that was recorded."""
    middle = [(0.5, "chance", ":")]
    found = [
        _training_figure(
            training_log,
            "Discriminator output",
            [
                Line("d_real", "D(real)", REAL, (0, (5, 2)), "s"),
                Line("d_fake", "D(fake)", FAKE, "-", "o"),
            ],
            middle,
        ),
        _training_figure(
            training_log,
            "Discriminator AUC: P(D(real) > D(fake))",
            [
                Line("auc_train", "training data", PLAIN, (0, (1, 1)), "^"),
                Line("auc_held_out", "held-out data", FAKE, "-", "o"),
            ],
            middle,
            error="auc_error",
        ),
        _training_figure(
            training_log,
            "Energy distance to held-out data",
            [
                Line("energy_distance", made, FAKE, "-", "o"),
                Line("reference", "reference (reals)", REAL, (0, (5, 2)), ""),
                Line("gaussian_baseline", "Gaussian baseline", PLAIN, (0, (1, 1)), ""),
            ],
            [],
            error="energy_distance_se",
        ),
    ]
    return [each for each in found if each[1]]


def _training_figure(
    training_log: TrainingLog,
    title: str,
    lines: Sequence[Line],
    marks: Sequence[tuple[float, str, str]],
    error: str = "",
) -> tuple[str, str]:
    series = {line.name: training_log.series(line.name) for line in lines}
    if not any(series.values()):
        return title, ""
    errors = dict(training_log.series(error)) if error else {}
    with drawing(2.6, salt=title) as figure:
        axes: Any = figure.add_subplot()
        for line in lines:
            _draw_line(axes, line, series[line.name], errors)
        for value, _, dash in marks:
            axes.axhline(value, color=INK, linewidth=1, linestyle=dash)
        values = [value for each in series.values() for _, value in each]
        if not marks and min(values, default=0) > 0 and max(values) > WIDE * min(values):
            axes.set_yscale("log")
            _plain_ticks(axes.yaxis, values)
        elif not marks and max(values) > 0 and max(values) > WIDE * abs(min(values)):
            positive = [value for value in values if value > 0]
            axes.set_yscale("symlog", linthresh=max(abs(min(values)), min(positive)))
            _plain_ticks(axes.yaxis, values)
        elif marks:
            axes.set_ylim(-0.02, 1.02)
        for place, (step, _) in enumerate(training_log.actions, 1):
            axes.axvline(step, color=INK, linewidth=1, linestyle="--")
            axes.annotate(
                str(place), (step, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom"
            )
        axes.grid(visible=True, axis="y")
        axes.set_xlabel("step")
        _legend(figure)
        return title, svg(figure, alt=_told(title, lines, series))


def _plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """Decimal labels on a logarithmic axis; few between powers of ten, since they would overlap."""
    ticker: Any = need("matplotlib.ticker", "report")
    sizes = [abs(value) for value in values if value]
    between = max(sizes) < FEW_POWERS * min(sizes)

    def said(value: float, _place: int) -> str:
        return f"{value:g}"

    def said_of_some(value: float, _place: int) -> str:
        return f"{value:g}" if between and f"{abs(value):e}"[0] in "25" else ""

    axis.set_major_formatter(ticker.FuncFormatter(said))
    axis.set_minor_formatter(ticker.FuncFormatter(said_of_some))


def _draw_line(
    axes: Any, line: Line, series: Sequence[tuple[int, float]], errors: dict[int, float]
) -> None:
    if not series:
        return
    steps, values = zip(*series, strict=True)
    every = max(len(steps) // 12, 1)
    style: dict[str, Any] = {"color": line.color, "linestyle": line.dash, "label": line.label}
    axes.plot(steps, values, marker=line.marker, markersize=5, markevery=every, **style)
    if line.marker and line.dash == "-" and errors:
        reach = [2 * errors.get(step, 0.0) for step in steps]
        low, high = (
            [value + sign * each for value, each in zip(values, reach, strict=True)]
            for sign in (-1, 1)
        )
        axes.fill_between(steps, low, high, color=line.color, alpha=0.2, linewidth=0)


def _told(title: str, lines: Sequence[Line], series: dict[str, list[tuple[int, float]]]) -> str:
    ends = [
        f"{line.label} from {number(series[line.name][0][1])} to {number(series[line.name][-1][1])}"
        for line in lines
        if series[line.name]
    ]
    return f"{title}: {', '.join(ends)}"


def training_distance_figure(closeness: TrainingDistance, made: str = "fakes") -> str:
    """Cumulative distribution of the distance to the nearest training sample."""
    with drawing(2.6, salt="closeness") as figure:
        axes: Any = figure.add_subplot()
        shares = [100 * level for level in closeness.levels]
        axes.plot(
            closeness.held_out, shares, color=REAL, linestyle=(0, (5, 2)), label="held-out reals"
        )
        axes.plot(closeness.fake, shares, color=FAKE, linestyle="-", label=made)
        limit = closeness.held_out[min(range(len(shares)), key=lambda at: abs(shares[at] - 1))]
        axes.axvline(limit, color=INK, linewidth=1, linestyle=":", label="99 % of reals lie beyond")
        axes.set_xlabel("distance to the nearest training sample")
        axes.set_ylabel("% within it")
        # Margin on the left: copies are at 0 and would be hidden by the axis.
        axes.set_xlim(left=-0.02 * max(closeness.held_out[-1], closeness.fake[-1]))
        axes.grid(visible=True, axis="y")
        _legend(figure)
        half = len(closeness.levels) // 2
        return svg(
            figure,
            alt=f"Distances to training samples: median of {made} {number(closeness.fake[half])}, "
            f"of held-out reals {number(closeness.held_out[half])}",
        )


def components_figure(score: Score) -> str:
    """The components of a score, fakes beside reals."""
    parts = score.components[::-1]
    with drawing(0.5 + 0.27 * len(parts), salt=f"parts {score.name}") as figure:
        axes: Any = figure.add_subplot()
        places = range(len(parts))
        for place, part in zip(places, parts, strict=True):
            axes.plot([part.reference, part.value], [place, place], color=FAINT, linewidth=1.5)
        axes.plot(
            [part.reference for part in parts], places, "|", color=REAL, markersize=13, mew=2.5
        )
        axes.plot([part.value for part in parts], places, "o", color=FAKE, markersize=7)
        axes.set_yticks(list(places), [_short(part.name) for part in parts], parse_math=False)
        axes.grid(visible=True, axis="x")
        axes.margins(y=0.6 / max(len(parts), 1))
        return svg(figure, alt=_parts_said(score.name, score.components))


def _parts_said(name: str, parts: Sequence[Component]) -> str:
    told = [f"{part.name} {number(part.value)} (reals {number(part.reference)})" for part in parts]
    return f"{name}: {'; '.join(told)}"


def histogram_figure(profile: Histogram, made: str = "fakes") -> str:
    """Histogram of a column, reals and fakes."""
    lying = profile.kind == "number"
    height = 2.0 if lying else 0.9 + 0.36 * len(profile.bins)
    with drawing(height, salt=f"profile {profile.name}") as figure:
        axes: Any = figure.add_subplot()
        (_standing if lying else _lying)(axes, profile, made)
        _legend(figure)
        return svg(
            figure,
            alt=f"{profile.name}: {profile.gap:.0%} of the {made} would have to be elsewhere",
        )


def _legend(figure: Any) -> None:
    """Legend above the axes, since bars and lines may reach into any corner."""
    figure.legend(loc="outside upper right", ncols=3, fontsize=9, columnspacing=1.2)


def _standing(axes: Any, profile: Histogram, made: str) -> None:
    places = range(len(profile.bins))
    real, fake = ([100 * each for each in shares] for shares in (profile.real, profile.fake))
    hollow: dict[str, Any] = {"facecolor": "none", "edgecolor": REAL, "hatch": "////"}
    axes.bar(places, real, width=1.0, linewidth=0.8, label="held-out reals", **hollow)
    axes.plot(places, fake, color=FAKE, marker="o", markersize=4, drawstyle="steps-mid", label=made)
    shown = sorted({0, len(profile.bins) - 1})
    axes.set_xticks(shown, [_short(profile.bins[at], 24) for at in shown], parse_math=False)
    for label, align in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
        label.set_horizontalalignment(align)
    axes.set_ylabel("%")


def _lying(axes: Any, profile: Histogram, made: str) -> None:
    count = len(profile.bins)
    places = [count - 1 - at for at in range(count)]
    real, fake = ([100 * each for each in shares] for shares in (profile.real, profile.fake))
    hollow: dict[str, Any] = {"facecolor": "none", "edgecolor": REAL, "hatch": "////"}
    upper, lower = ([place + shift for place in places] for shift in (0.2, -0.2))
    axes.barh(upper, real, height=0.38, linewidth=0.8, label="held-out reals", **hollow)
    axes.barh(lower, fake, height=0.38, color=FAKE, label=made)
    axes.set_yticks(places, [_short(name) for name in profile.bins], parse_math=False)
    axes.set_xlabel("%")


def _short(name: str, letters: int = LETTERS) -> str:
    name = "".join(letter if letter.isprintable() else " " for letter in name)
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
