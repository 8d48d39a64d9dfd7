"""Summary of a report: its diagnosis, and the findings behind it in sentences."""

from __future__ import annotations

import re

from gannet.core.io.names import enumerated
from gannet.core.scores import Histogram, TrainingDistance
from gannet.core.scores.diagnosis import RunDiagnosis, diagnose_run
from gannet.core.scores.evidence import evidence_of
from gannet.evaluation.evaluate import Report, Score
from gannet.evaluation.features.disagreement import feature_warnings
from gannet.metrics.confidence import wilson
from gannet.metrics.two_sample import COARSE, TwoSampleResult, detectable_excess

SHORTFALL_RATIO = 0.8
"""A shortfall score below this fraction of its reference gives a warning."""

EXCESS_LIMIT = 0.1
"""An excess score significantly above this value gives a warning."""

DIVERSITY_LIMIT = 0.15
"""A spread that departs from its reference by more than this fraction gives a warning."""

FREQUENT = 0.03
"""Fraction of reals from which a value that no fake has is reported as missing."""

RARE_RATIO = 0.5
"""A class below this fraction of its frequency in reals is too rare."""

MISSING_RATIO = 0.1
"""A class at or below this fraction of its frequency in reals is missing."""

NAMED = 12
"""Classes that a sentence names, the most frequent first."""

NO_TRAINING = (
    "There was no adversarial training: the model was fitted directly to the training data."
)
"""Replaces the training log of a model that was fitted in closed form."""

FEW = 500
"""Samples below which the summary warns of wide intervals."""


def kind_of(score: Score) -> str:
    """The name of a score without its brackets.

    >>> from gannet.core.scores import Score
    >>> numbers = dict.fromkeys(
    ...     "value low high reference reference_low reference_high".split(), 0.5
    ... )
    >>> kind_of(Score(name="recall[random:1f0c2a]", samples=9, better="high", **numbers))
    'recall'
    """
    return score.name.partition("[")[0]


def number(value: float) -> str:
    """A number as a table shows it.

    >>> [number(each) for each in (0.5, 12.345, 0.00012, 1234.5)]
    ['0.500', '12.35', '0.00012', '1234']
    """
    if value == 0 or 0.01 <= abs(value) < 10:
        return f"{value:.3f}"
    if abs(value) < 0.01:
        return f"{value:.2g}"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.0f}"


def with_sample_noun(text: str, sample_noun: str) -> str:
    """Replace "fake" in a text by the noun for samples.

    >>> with_sample_noun("share of reals with a fake close by, as fakes lie", "answers")
    'share of reals with an answer close by, as answers lie'
    """
    if sample_noun == "fakes":
        return text
    text = re.sub(r"\b([Aa]) fake\b", rf"\1n {sample_noun[:-1]}", text)
    return re.sub(r"\bfake(s?)\b", rf"{sample_noun[:-1]}\1", text)


def diagnosis_of(report: Report) -> RunDiagnosis:
    """What all evidence of a report says together."""
    record = report.two_sample_test
    test = TwoSampleResult.of(record) if record else None
    return diagnose_run(evidence_of(report, two_sample=test))


def conclusions(report: Report) -> list[str]:
    """The diagnosis in two sentences at most: grade and why, then cause and advice."""
    diagnosis = diagnosis_of(report)
    grade, _, why = diagnosis.sentence.partition(":")
    mark = "" if diagnosis.grade == "good" else "**"
    sentences = [f"{mark}{grade}{mark}:{why}"]
    sentences += [f"Likely cause: {diagnosis.advice}"] if diagnosis.advice else []
    return [with_sample_noun(sentence, report.sample_noun) for sentence in sentences]


def summary(report: Report) -> str:
    """Summarize a report in sentences; ``**`` marks what is serious."""
    return " ".join([*conclusions(report), details(report)])


def details(report: Report) -> str:
    """The findings behind the diagnosis, in sentences; ``**`` marks what is serious."""
    sentences = [*_of_conditional(report), _of_two_sample_test(report), _of_references(report)]
    sentences = [
        with_sample_noun(sentence, report.sample_noun) for sentence in sentences
    ] + _of_baseline(report)
    sentences += feature_warnings(report.features)
    score_by_role: dict[str, Score] = {score.role: score for score in report.scores if score.role}
    sentences += [
        with_sample_noun(sentence, report.sample_noun)
        for sentence in _of_duplicates(report, score_by_role.get("duplicate rate"))
    ]
    sentences += [_of_missing_values(profile) for profile in report.histograms if _missing(profile)]
    for profile in report.histograms:
        sentences += of_clusters(profile, report.sample_noun)
    for role in ("excess", "rules", "shortfall", "reach", "spread"):
        of_role = (score for score in report.scores if score.role == role)
        sentences += [with_sample_noun(_warned(score), report.sample_noun) for score in of_role]
    if memorization := score_by_role.get("memorization"):
        sentences.append(
            with_sample_noun(
                _of_memorization(memorization, report.training_distance), report.sample_noun
            )
        )
    sentences += _of_suspects(report)
    sentences += _of_privacy(report)
    sentences += _of_monitor(report)
    return " ".join(filter(None, [*sentences, limits(report)]))


def _warned(score: Score) -> str:
    """Warning of a score, empty if it is not bad; see ``Score.role``."""
    if not score.warning:
        return ""
    match score.role:
        case "shortfall" | "reach":
            low = score.departure == "too low"
            bad = low and score.value < SHORTFALL_RATIO * score.reference
        case "spread":
            gap = abs(score.value / score.reference - 1) if score.reference else 0.0
            bad = not score.at_reference and gap > DIVERSITY_LIMIT
        case "excess":
            bad = score.low > max(EXCESS_LIMIT, score.reference_high)
        case "rules":
            bad = score.departure == "too high"
        case "privacy":
            fair = score.chance_level is not None and score.low <= score.chance_level
            bad = not fair and score.low > score.reference_high
        case _:
            bad = False
    if not bad:
        return ""
    return score.warning.format(
        value=score.value,
        reference=score.reference,
        interval=f"{number(score.value)} ({number(score.low)} to {number(score.high)})",
        of=score.name.partition("[")[2].removesuffix("]"),
    )


def limits(report: Report) -> str:
    """Limits of the evaluation: number of samples and of seeds."""
    min_samples = min((score.samples for score in report.scores), default=0)
    few = f", and {min_samples} samples are few" if 0 < min_samples < FEW else ""
    if report.seeds:
        return (
            f"These are means over {len(report.seeds)} training runs that differ in their seed: "
            f"the intervals cover the choice of samples and of seeds{few}."
        )
    return (
        "This is one training run: the intervals cover the choice of samples, not what a run with "
        f"another seed would give{few}."
    )


def _of_references(report: Report) -> str:
    """How many scores are like reals, how many are worse, and how many too good."""
    scores = [score for score in report.scores if not score.baseline_name]
    if not scores:
        return ""
    unclear = sum(score.unclear for score in scores)
    like = sum(score.at_reference for score in scores) - unclear
    beyond = [score for score in scores if score.beyond_reference]
    others = "are like those of " + ("perfect answers" if report.perfect else "other reals")
    clause = "miss the difference that the test finds" if report.distinguished else others
    counts = [f"{like} of {len(scores)} scores {clause}"]
    worse = len(scores) - like - len(beyond) - unclear
    counts.append(f"{worse} {'is' if worse == 1 else 'are'} worse")
    if unclear:
        counts.append(f"{unclear} {'is' if unclear == 1 else 'are'} unclear for want of samples")
    if beyond:
        names = ", ".join(dict.fromkeys(f"{kind_of(score)}: {score.end}" for score in beyond))
        counts.append(f"{len(beyond)} better than reals are, which is a departure too ({names})")
    return f"{enumerated(counts)}."


def _of_baseline(report: Report) -> list[str]:
    """Where the baseline does better, and where about as well."""
    sentences: list[str] = []
    reported: set[str] = set()
    for how in ("yes", "tied"):
        scores_of_baseline: dict[str, list[str]] = {}
        for score in report.scores:
            # Several scores of one name are reported once, by the worst outcome.
            if score.beaten == how and kind_of(score) not in reported:
                scores_of_baseline.setdefault(score.baseline_name or report.baseline, []).append(
                    kind_of(score)
                )
        reported |= {kind for kinds in scores_of_baseline.values() for kind in kinds}
        text = "; ".join(
            f"{'a plain Gaussian' if by == 'Gaussian' else by} "
            f"{'do' if by == 'shuffled columns' else 'does'} "
            f"{'better' if how == 'yes' else 'as well'} in: {', '.join(dict.fromkeys(kinds))}"
            for by, kinds in scores_of_baseline.items()
        )
        if text and how == "yes":
            sentences.append(f"**It loses to its baseline**: {text}.")
        elif text:
            sentences.append(f"{text[0].upper()}{text[1:]}.")
    return sentences


def _of_conditional(report: Report) -> list[str]:
    """Scores of conditional outputs beside the best reference method."""
    by = report.baseline if report.perfect else ""
    beside = [
        f"{kind_of(score)} {number(score.value)} ({score.baseline_name or by}: "
        f"{number(score.baseline)})"
        for score in report.scores
        if (score.baseline_name or by) and score.baseline is not None and score.role != "variety"
    ]
    return [f"Answers beside simple methods: {', '.join(beside)}."] if beside else []


def _of_monitor(report: Report) -> list[str]:
    """Diagnosis at the end of training, where known; praise only if the result deserves it."""
    training_log = report.training_log
    if training_log is None or not training_log.diagnosis:
        return []
    if training_log.fitted:
        return [NO_TRAINING]
    evidence = f" ({training_log.evidence})" if training_log.evidence else ""
    if training_log.diagnosis in ("healthy", "converged"):
        parts = diagnosis_of(report).parts
        training_grades = [part.grade for part in parts if part.name == "training"]
        return ["Training ended without a fault."] if training_grades == ["good"] else []
    if training_log.diagnosis == "not judged":
        return []
    return [f"**Training ended unhealthy**: {training_log.diagnosis}{evidence}."]


def suspect_word(report: Report) -> str:
    """What a fake is called that lies nearer to training data than 99 % of held-out reals do.

    Of many fakes 1 % do so by chance; only where more do than that, each is suspect.
    """
    grades = {part.name: part.grade for part in diagnosis_of(report).parts}
    return "among the nearest 1 %" if grades.get("originality") == "good" else "suspect"


def _of_suspects(report: Report) -> list[str]:
    """The worst cases beside what chance explains, so that they do not contradict the scores."""
    count = sum(pair.suspect for pair in report.suspects)
    if not count or suspect_word(report) == "suspect":
        return []
    return [
        f"The {count} nearest to training data are shown: of held-out reals 1 % lie as near, so "
        "that chance explains as many."
    ]


def _of_privacy(report: Report) -> list[str]:
    """Privacy warnings, or a sentence that no test raised one."""
    looked = [score for score in report.scores if score.role == "privacy"]
    warnings = [warning for score in looked if (warning := _warned(score))]
    if looked and not warnings and suspect_word(report) != "suspect":
        return [
            f"No sign of memorised training samples in {len(looked)} tests, which is no proof of "
            "privacy."
        ]
    return warnings


def _of_two_sample_test(report: Report) -> str:
    """What the strongest two-sample test found, and what it could have found."""
    if report.two_sample_test:
        return f"Two-sample test (C2ST): {TwoSampleResult.of(report.two_sample_test).sentence()}"
    tests = [score for score in report.scores if score.role == "detection"]
    if not tests:
        return ""
    best = max(tests, key=lambda score: score.value)
    interval = f"{best.value:.1%} ({best.low:.1%} to {best.high:.1%})"
    points = 100 * detectable_excess(best.samples, len(tests))
    if best.low <= 0.5 and points > 100 * COARSE:
        return (
            f"Too few samples for a two-sample test (C2ST): its accuracy is {interval} on "
            f"{best.samples} samples, and only {points:.0f} points above chance (50 %) would have "
            "been found."
        )
    if best.low <= 0.5:
        return (
            f"A two-sample test (C2ST) found no difference between fakes and reals, and one of "
            f"{points:.0f} points would have been found in four of five cases: its accuracy is "
            f"{interval} on {best.samples} samples; chance is 50 %."
        )
    if best.value < 0.65:
        how = "a little better than chance"
    else:
        how = "often" if best.value < 0.9 else "nearly always"
    return f"A two-sample test (C2ST) tells fakes from reals {how}: {interval}."


def _missing(profile: Histogram) -> list[str]:
    """Values of a category that are frequent in reals and absent from fakes."""
    if profile.kind != "category" or _single(profile):
        return []
    bins = zip(profile.bins, profile.real, profile.fake, strict=True)
    return [name for name, real, fake in bins if real >= FREQUENT and fake == 0]


def _of_missing_values(profile: Histogram) -> str:
    names = ", ".join(_missing(profile))
    return f"**Values are missing** from {profile.name}: no fake has {names}."


def of_clusters(profile: Histogram, sample_noun: str = "fakes") -> list[str]:
    """Sentences on classes or clusters that are missing from the fakes, or too rare."""
    if profile.kind not in ("class", "cluster"):
        return []
    missing: list[tuple[str, float, float]] = []
    rare: list[tuple[str, float, float]] = []
    for name, real, fake in zip(profile.bins, profile.real, profile.fake, strict=True):
        ends = [
            wilson(round(fraction * profile.samples), profile.samples) for fraction in (real, fake)
        ]
        if ends[1][1] < ends[0][0] and fake < RARE_RATIO * real:
            (missing if fake <= MISSING_RATIO * real else rare).append((name, real, fake))
    sentences: list[str] = []
    for affected, what, word in ((missing, "missing", "**Missing"), (rare, "too rare", "Too rare")):
        if not affected:
            continue
        end = "**" if word.startswith("**") else ""
        real, fake = (sum(each) for each in zip(*[pair[1:] for pair in affected], strict=True))
        fractions = f"{real:.0%} of reals and {fake:.1%} of {sample_noun}"
        if profile.kind == "class":
            names = ", ".join(name for name, _, _ in affected[:NAMED])
            more = f" and {len(affected) - NAMED} more" if len(affected) > NAMED else ""
            sentences.append(f"{word} classes{end}: {names}{more} ({fractions}).")
        else:
            sentences.append(
                f"{word} clusters{end}: {len(affected)} of {len(profile.bins)} clusters of reals "
                f"are {what} ({fractions})."
            )
    return sentences


def _single(profile: Histogram) -> bool:
    """Whether all fakes fall into one bin, and reals do not."""
    return max(profile.fake, default=0) > 0.99 > max(profile.real, default=1)


def _of_duplicates(report: Report, duplicates: Score | None) -> list[str]:
    """Sentences on mode collapse and duplicates."""
    if duplicates is None:
        columns = [each for each in report.histograms if each.kind in ("number", "category")]
        alone = bool(columns) and all(map(_single, columns))
        return ["**Collapsed**: all fakes have the same value in every column."] * alone
    if duplicates.low <= max(3 * 0.01, duplicates.reference_high):
        return []
    name = "Collapsed" if duplicates.value > 0.9 else "Repeated"
    return [
        f"**{name}**: {duplicates.value:.0%} of fakes are nearer to another fake than 99 % of "
        "reals "
        f"are to another real ({duplicates.reference:.0%} of other reals are)."
    ]


def _of_memorization(score: Score, training_distance: TrainingDistance | None) -> str:
    equal = sum(each == 0 for each in training_distance.fake) - 1 if training_distance else 0
    same = f" **Copies**: {equal} % of fakes equal a training sample." if equal > 0 else ""
    if score.low > max(3 * 0.01, score.reference_high):
        return (
            f"**Memorised**: {score.value:.0%} of fakes lie closer to one training sample than "
            f"99 % of held-out reals do.{same}"
        )
    return (
        f"No sign of memorised training samples: {score.value:.1%} of fakes are as near to one as "
        f"1 % of held-out reals are ({score.reference:.1%} of other reals)."
    )
