"""Figures of a report. Lines differ in dash and marks in shape, not in colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gannet.core.errors import need
from gannet.core.io.training_log import TrainingLog
from gannet.core.scores import Component, Histogram, TrainingDistance
from gannet.evaluation.evaluate import Score
from gannet.evaluation.report.html.theme import BASELINE, FAINT, FAKE, INK, REAL, drawing, svg
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
        if score.chance_level is not None:
            axes.axvline(score.chance_level, color=INK, linewidth=1, linestyle=":")
            marks.append(score.chance_level)
        if score.baseline is not None:
            axes.plot(score.baseline, 0, "X", color=BASELINE, markersize=9)
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
    text = (
        f"{score.name}: {number(score.value)}, interval {number(score.low)} to "
        f"{number(score.high)}; reals {number(score.reference)}"
    )
    baseline_text = "" if score.baseline is None else f"; {baseline} {number(score.baseline)}"
    good = "like the reference" if score.best == "reference" else score.best
    return f"{text}{baseline_text}; {good} is good"


def _scale(axes: Any, marks: Sequence[float]) -> None:
    """Logarithmic axis where the numbers differ by orders of magnitude."""
    minimum, maximum = min(marks), max(marks)
    small = sorted(abs(mark) for mark in marks if mark)[: len(marks) // 2 + 1]
    if not small or maximum <= WIDE * small[-1]:
        margin = 0.06 * (maximum - minimum) or 0.5
        axes.set_xlim(minimum - margin, maximum + margin)
        return
    if minimum > 0:
        axes.set_xscale("log")
        axes.set_xlim(minimum / 1.3, maximum * 1.3)
    else:
        axes.set_xscale("symlog", linthresh=small[-1])
        axes.set_xlim(minimum - small[-1], maximum * 1.3)
    _decimal_ticks(axes.xaxis, marks)


def training_figures(
    training_log: TrainingLog, sample_noun: str = "fakes"
) -> list[tuple[str, str]]:
    """Training curves: title and drawing of each measure that was recorded."""
    middle = [(0.5, "chance", ":")]
    figures = [
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
                Line("auc_train", "training data", BASELINE, (0, (1, 1)), "^"),
                Line("auc_held_out", "held-out data", FAKE, "-", "o"),
            ],
            middle,
            error="auc_error",
        ),
        _training_figure(
            training_log,
            "Energy distance to held-out data",
            [
                Line("energy_distance", sample_noun, FAKE, "-", "o"),
                Line("reference", "reference (reals)", REAL, (0, (5, 2)), ""),
                Line("gaussian_baseline", "Gaussian baseline", BASELINE, (0, (1, 1)), ""),
            ],
            [],
            error="energy_distance_se",
        ),
    ]
    return [each for each in figures if each[1]]


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
            _decimal_ticks(axes.yaxis, values)
        elif not marks and max(values) > 0 and max(values) > WIDE * abs(min(values)):
            positive = [value for value in values if value > 0]
            axes.set_yscale("symlog", linthresh=max(abs(min(values)), min(positive)))
            _decimal_ticks(axes.yaxis, values)
        elif marks:
            axes.set_ylim(-0.02, 1.02)
        for action_number, (step, _) in enumerate(training_log.actions, 1):
            axes.axvline(step, color=INK, linewidth=1, linestyle="--")
            axes.annotate(
                str(action_number),
                (step, 1),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
            )
        axes.grid(visible=True, axis="y")
        axes.set_xlabel("step")
        _legend(figure)
        return title, svg(figure, alt=_describe_series(title, lines, series))


def _decimal_ticks(axis: Any, values: Sequence[float]) -> None:
    """Decimal labels on a logarithmic axis; few between powers of ten, since they would overlap."""
    ticker: Any = need("matplotlib.ticker", "report")
    sizes = [abs(value) for value in values if value]
    between = max(sizes) < FEW_POWERS * min(sizes)

    def format_major(value: float, _position: int) -> str:
        return f"{value:g}"

    def format_minor(value: float, _position: int) -> str:
        return f"{value:g}" if between and f"{abs(value):e}"[0] in "25" else ""

    axis.set_major_formatter(ticker.FuncFormatter(format_major))
    axis.set_minor_formatter(ticker.FuncFormatter(format_minor))


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
        half_widths = [2 * errors.get(step, 0.0) for step in steps]
        low, high = (
            [value + sign * each for value, each in zip(values, half_widths, strict=True)]
            for sign in (-1, 1)
        )
        axes.fill_between(steps, low, high, color=line.color, alpha=0.2, linewidth=0)


def _describe_series(
    title: str, lines: Sequence[Line], series: dict[str, list[tuple[int, float]]]
) -> str:
    ends = [
        f"{line.label} from {number(series[line.name][0][1])} to {number(series[line.name][-1][1])}"
        for line in lines
        if series[line.name]
    ]
    return f"{title}: {', '.join(ends)}"


def training_distance_figure(
    training_distance: TrainingDistance, sample_noun: str = "fakes"
) -> str:
    """Cumulative distribution of the distance to the nearest training sample."""
    with drawing(2.6, salt="training distance") as figure:
        axes: Any = figure.add_subplot()
        percentages = [100 * level for level in training_distance.levels]
        axes.plot(
            training_distance.held_out,
            percentages,
            color=REAL,
            linestyle=(0, (5, 2)),
            label="held-out reals",
        )
        axes.plot(training_distance.fake, percentages, color=FAKE, linestyle="-", label=sample_noun)
        limit = training_distance.held_out[
            min(range(len(percentages)), key=lambda at: abs(percentages[at] - 1))
        ]
        axes.axvline(limit, color=INK, linewidth=1, linestyle=":", label="99 % of reals lie beyond")
        axes.set_xlabel("distance to the nearest training sample")
        axes.set_ylabel("% within it")
        # Margin on the left: copies are at 0 and would be hidden by the axis.
        axes.set_xlim(left=-0.02 * max(training_distance.held_out[-1], training_distance.fake[-1]))
        axes.grid(visible=True, axis="y")
        _legend(figure)
        half = len(training_distance.levels) // 2
        return svg(
            figure,
            alt=f"Distances to training samples: median of {sample_noun} "
            f"{number(training_distance.fake[half])}, "
            f"of held-out reals {number(training_distance.held_out[half])}",
        )


def components_figure(score: Score) -> str:
    """The components of a score, fakes beside reals."""
    components = score.components[::-1]
    with drawing(0.5 + 0.27 * len(components), salt=f"parts {score.name}") as figure:
        axes: Any = figure.add_subplot()
        positions = range(len(components))
        for position, component in zip(positions, components, strict=True):
            axes.plot(
                [component.reference, component.value],
                [position, position],
                color=FAINT,
                linewidth=1.5,
            )
        axes.plot(
            [component.reference for component in components],
            positions,
            "|",
            color=REAL,
            markersize=13,
            mew=2.5,
        )
        axes.plot(
            [component.value for component in components], positions, "o", color=FAKE, markersize=7
        )
        axes.set_yticks(
            list(positions), [_short(component.name) for component in components], parse_math=False
        )
        axes.grid(visible=True, axis="x")
        axes.margins(y=0.6 / max(len(components), 1))
        return svg(figure, alt=_describe_components(score.name, score.components))


def _describe_components(name: str, components: Sequence[Component]) -> str:
    texts = [
        f"{part.name} {number(part.value)} (reals {number(part.reference)})" for part in components
    ]
    return f"{name}: {'; '.join(texts)}"


def histogram_figure(histogram: Histogram, sample_noun: str = "fakes") -> str:
    """Histogram of a column, reals and fakes."""
    numeric = histogram.kind == "number"
    height = 2.0 if numeric else 0.9 + 0.36 * len(histogram.bins)
    with drawing(height, salt=f"profile {histogram.name}") as figure:
        axes: Any = figure.add_subplot()
        (_vertical_bars if numeric else _horizontal_bars)(axes, histogram, sample_noun)
        _legend(figure)
        return svg(
            figure,
            alt=f"{histogram.name}: {histogram.gap:.0%} of the {sample_noun} would have to be "
            "elsewhere",
        )


def _legend(figure: Any) -> None:
    """Legend above the axes, since bars and lines may reach into any corner."""
    figure.legend(loc="outside upper right", ncols=3, fontsize=9, columnspacing=1.2)


def _vertical_bars(axes: Any, histogram: Histogram, sample_noun: str) -> None:
    positions = range(len(histogram.bins))
    real, fake = (
        [100 * each for each in fractions] for fractions in (histogram.real, histogram.fake)
    )
    hollow: dict[str, Any] = {"facecolor": "none", "edgecolor": REAL, "hatch": "////"}
    axes.bar(positions, real, width=1.0, linewidth=0.8, label="held-out reals", **hollow)
    axes.plot(
        positions,
        fake,
        color=FAKE,
        marker="o",
        markersize=4,
        drawstyle="steps-mid",
        label=sample_noun,
    )
    labeled_bins = sorted({0, len(histogram.bins) - 1})
    axes.set_xticks(
        labeled_bins, [_short(histogram.bins[at], 24) for at in labeled_bins], parse_math=False
    )
    for label, align in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
        label.set_horizontalalignment(align)
    axes.set_ylabel("%")


def _horizontal_bars(axes: Any, histogram: Histogram, sample_noun: str) -> None:
    count = len(histogram.bins)
    positions = [count - 1 - at for at in range(count)]
    real, fake = (
        [100 * each for each in fractions] for fractions in (histogram.real, histogram.fake)
    )
    hollow: dict[str, Any] = {"facecolor": "none", "edgecolor": REAL, "hatch": "////"}
    upper, lower = ([position + shift for position in positions] for shift in (0.2, -0.2))
    axes.barh(upper, real, height=0.38, linewidth=0.8, label="held-out reals", **hollow)
    axes.barh(lower, fake, height=0.38, color=FAKE, label=sample_noun)
    axes.set_yticks(positions, [_short(name) for name in histogram.bins], parse_math=False)
    axes.set_xlabel("%")


def _short(name: str, letters: int = LETTERS) -> str:
    name = "".join(letter if letter.isprintable() else " " for letter in name)
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
