"""Whether labels say anything about samples, and which are likely to be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d

from gannet.core.seeding import derive_seed
from gannet.core.types import IntArray
from gannet.data.doctor.checks import NAMED, Examined, severity_of
from gannet.modalities.findings import Finding
from gannet.networks.classifier import fit, small_net
from gannet.networks.features import in_chunks

MOST = 1_500
"""Most samples that the probe learns from."""

FEWEST = 100
"""Fewest samples that a probe says anything about."""

FOLDS = 5
"""Parts that are predicted by turns, near-duplicates in one part."""

SURE = 0.001
"""Largest p value with which labels count as informative: some three standard deviations."""

USEFUL = 0.05
"""Gain in accuracy over the most frequent class that a probe must be able to see."""

WRONG = 0.02
"""Least share of labels that must be suspect, where the probe is sure, to be mentioned."""

SUREST = 0.3
"""Share of samples of which the probe is surest, where errors are taken for the labels'."""

DEEP, EVEN = 0.2, 0.7
"""Wrong labels are as frequent among the surest fifth as elsewhere, errors of overlapping classes
are rare there: their share there must be this part of that among the surer half."""

LISTED = 0.8
"""Share of samples of which the probe is surest, where suspects are listed."""

MANY_WRONG = 0.15
"""Share of suspect labels that is severe."""

MIXED = 0.1
"""Share of a class that is taken for another one, to be mentioned."""

FEWEST_OF_PAIR = 50
"""Samples of two classes, from which on it is told whether their labels were exchanged."""

NETWORK_SECONDS = 10.0
"""Most time of the network that is asked before labels are accused."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """Predictions of each label by a model that has not seen it nor copies of its sample.

    Attributes:
        probabilities: ``(n, K)``.
        labels: ``(n,)``.
        model: Name of the model.
        models: How many were tried.
    """

    probabilities: Floats
    labels: IntArray
    model: str
    models: int = 1

    @property
    def accuracy(self) -> float:
        """Share of labels that are predicted."""
        return float((self.probabilities.argmax(1) == self.labels).mean())

    @property
    def majority(self) -> float:
        """Share of the most frequent class."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    @property
    def p(self) -> float:
        """Chance of predictions as good as these if labels had nothing to do with samples.

        Given the model, the probability of the true class then has the mean over all classes by
        their frequency; z test of the mean over samples, times the number of models (Bonferroni).
        """
        fraction = np.bincount(self.labels, minlength=self.probabilities.shape[1]) / len(
            self.labels
        )
        mean = self.probabilities @ fraction
        variance = np.square(self.probabilities) @ fraction - np.square(mean)
        gain = self.probabilities[np.arange(len(self.labels)), self.labels] - mean
        if variance.sum() <= 0:
            return 1.0
        z = gain.sum() / math.sqrt(float(variance.sum()))
        return min(self.models * 0.5 * math.erfc(float(z) / math.sqrt(2)), 1.0)


def label_findings(examined: Examined, seed: int = 0) -> Iterator[Finding]:
    """Labels that say nothing, that are likely wrong, and classes that are mixed up."""
    chosen = _chosen(examined, seed)
    if len(chosen) < FEWEST:
        return
    names, labels = np.unique(examined.labels[chosen], return_inverse=True)
    if len(names) < 2:
        return
    folds = _folds(examined.groups[chosen], seed)
    probe = probed(_views(examined, chosen), labels, folds)
    if probe.p > SURE:
        probe = _network_probe(examined, chosen, labels, folds, probe)
    classes = [examined.classes[int(name)] for name in names]
    if probe.p > SURE:
        yield from _nothing(probe, examined)
        return
    yield from _suspects(probe, examined, chosen, classes)


def _chosen(examined: Examined, seed: int) -> IntArray:
    """Labelled samples of classes of five or more, evenly from all."""
    labels = examined.labels
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    usable = np.flatnonzero((labels >= 0) & (sizes[labels] >= FOLDS))
    if len(usable) > MOST:
        rng = np.random.default_rng(derive_seed(seed, len(usable)))
        usable = np.sort(rng.choice(usable, MOST, replace=False))
    return usable


def _folds(groups: IntArray, seed: int) -> IntArray:
    """Fold of each sample; copies are in one."""
    _, group = np.unique(groups, return_inverse=True)
    turn = np.random.default_rng(seed).permutation(group.max() + 1) % FOLDS
    return turn[group]


def _views(examined: Examined, chosen: IntArray) -> Mapping[str, Tensor]:
    """Rows of numbers to learn from, by name: the samples, their features, their frequencies."""
    samples = examined.samples[torch.from_numpy(chosen)]
    modality = examined.modality
    views = {"the samples": modality.thumbnail(samples)}
    features = modality.features(samples[:500], 0)
    views["features"] = in_chunks(features, samples, 250)
    if samples.shape[-1] >= 64 and samples[0].numel() == samples.shape[-1]:
        power = _power(samples)
        bands = adaptive_avg_pool1d(power[:, None], 64)[:, 0]
        views["frequencies"] = (bands + 1e-3 * bands.mean()).log()
    return {name: rows.nan_to_num(0.0) for name, rows in views.items()}


def _power(samples: Tensor) -> Tensor:
    """Magnitude of each frequency of samples of one axis, ``(n, F)``."""
    spectrum: Tensor = torch.fft.rfft(samples.flatten(1).float())
    return spectrum.abs()[:, 1:]


def probed(views: Mapping[str, Tensor], labels: IntArray, folds: IntArray) -> Probe:
    """The best of several kernel ridge regressions, by how well they predict left-out labels.

    Source: Rifkin, Yeo and Poggio 2003, Regularized least-squares classification.
    """
    found = [
        Probe(probabilities, labels, name)
        for name, rows in views.items()
        for probabilities in [_out_of_fold(_kernel(rows), labels, folds)]
    ]
    best = min(found, key=lambda each: _loss(each.probabilities, labels))
    return Probe(best.probabilities, labels, best.model, len(found))


def _loss(probabilities: Floats, labels: IntArray) -> float:
    own = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(own.clip(1e-6)).mean())


def _kernel(rows: Tensor) -> Floats:
    """Gaussian kernel of rows, as wide as the median distance: ``(n, n)``."""
    rows = rows.double()
    deviation = rows.std(0)
    rows = (rows - rows.mean(0)) / (deviation + 0.1 * deviation.mean() + 1e-12)
    norms = rows.square().sum(1)
    squares = (norms[:, None] + norms - 2 * rows @ rows.T).clamp_min(0).numpy()
    width = np.median(squares[:500, :500]) + 1e-12
    return np.exp(-squares / width)


def _out_of_fold(kernel: Floats, labels: IntArray, folds: IntArray) -> Floats:
    """Probabilities of the classes of samples whose fold was left out."""
    count = labels.max() + 1
    targets = np.eye(count)[labels]
    scores = np.zeros((len(labels), count))
    for fold in range(FOLDS):
        out = folds == fold
        if not out.any() or out.all():
            continue
        inner = kernel[np.ix_(~out, ~out)]
        ridge = 1e-2 * len(inner) ** 0.5 * np.eye(len(inner))
        mean = targets[~out].mean(0)
        weights = np.linalg.solve(inner + ridge, targets[~out] - mean)
        scores[out] = kernel[np.ix_(out, ~out)] @ weights + mean
    return _calibrated(scores, labels)


def _calibrated(scores: Floats, labels: IntArray) -> Floats:
    """Scores as probabilities, by the temperature that suits the labels best."""

    def softmax(scale: float) -> Floats:
        exponents = np.exp(scale * (scores - scores.max(1, keepdims=True)))
        return exponents / exponents.sum(1, keepdims=True)

    return min((softmax(scale) for scale in (1, 2, 4, 8, 16)), key=lambda p: _loss(p, labels))


def _network_probe(
    examined: Examined, chosen: IntArray, labels: IntArray, folds: IntArray, before: Probe
) -> Probe:
    """A small network of the kind's own is asked before labels are accused."""
    samples = examined.samples[torch.from_numpy(chosen)].float()
    learn = torch.from_numpy(folds != 0)
    label_tensor = torch.from_numpy(labels)
    count = int(labels.max()) + 1
    network = small_net(samples[learn], count, seed=0, build=examined.modality.classifier)
    fit(network, samples[learn], label_tensor[learn], steps=300, seed=0, seconds=NETWORK_SECONDS)
    network.eval()
    with torch.no_grad():
        logits = in_chunks(network, samples[~learn], 250)
    probabilities = logits.double().softmax(1).numpy()
    found = Probe(probabilities, labels[folds == 0], "a network", before.models + 1)
    return found if found.p <= SURE else before


def _nothing(probe: Probe, examined: Examined) -> Iterator[Finding]:
    """Labels that no model predicts, if a useful gain would have been seen."""
    chance_level = probe.majority
    least = 3 * math.sqrt(chance_level * (1 - chance_level) / len(probe.labels))
    evidence = {
        "accuracy": probe.accuracy,
        "majority": chance_level,
        "p": probe.p,
        "samples": len(probe.labels),
        "detectable_gain": least,
    }
    if least > USEFUL:
        yield Finding(
            code="labels_untested",
            severity="note",
            sentence=f"{len(probe.labels)} labelled {examined.modality.noun[1]} are too few to see "
            "whether the labels say anything about them",
            evidence=evidence,
        )
        return
    yield Finding(
        code="labels_uninformative",
        severity="severe",
        sentence="labels seem to carry no information: small models are right on "
        f"{probe.accuracy:.1%} of held-out labels, and the most frequent class alone on "
        f"{chance_level:.1%} (p = {probe.p:.2g})",
        evidence=evidence,
        remedy="see whether labels and samples are in the same order; or train without, --label ''",
    )


def _suspects(
    probe: Probe, examined: Examined, chosen: IntArray, classes: list[str]
) -> Iterator[Finding]:
    joint, suspect, likely = confident_joint(probe.probabilities, probe.labels)
    if probe.accuracy < 0.5 + 0.5 * probe.majority:
        return
    top = probe.probabilities.max(1)
    wrong = probe.probabilities.argmax(1) != probe.labels
    fraction = _errors(top, wrong, SUREST)
    are_wrong = fraction >= WRONG and _errors(top, wrong, DEEP) >= max(
        WRONG / 2, EVEN * _errors(top, wrong, 0.5)
    )
    if pairs := _mixed(joint, classes):
        swapped = any(
            _is_swapped(probe, classes.index(one), classes.index(other)) for one, other, _ in pairs
        )
        yield Finding(
            code="classes_mixed",
            severity="warning" if are_wrong or swapped else "note",
            sentence="classes that are mixed up: "
            + ", ".join(f"{part:.0%} of {one} look like {other}" for one, other, part in pairs),
            evidence={"pairs": [[one, other, part] for one, other, part in pairs]},
            remedy="look at them; classes that nobody can tell apart may be joined",
        )
    if not are_wrong:
        return
    own = probe.probabilities[np.arange(len(probe.labels)), probe.labels]
    worst = np.flatnonzero(suspect & wrong & (top >= np.quantile(top, 1 - LISTED)))
    worst = worst[np.argsort((own - top)[worst], kind="stable")]
    listed = [
        f"{examined.names[int(chosen[at])]}: {classes[probe.labels[at]]}, rather "
        f"{classes[likely[at]]}"
        for at in worst[:NAMED]
    ]
    yield Finding(
        code="labels_suspect",
        severity=severity_of(fraction, MANY_WRONG, WRONG),
        sentence=f"about {fraction:.0%} of the labels look wrong, or their classes overlap",
        evidence={
            "share": fraction,
            "listed": len(worst),
            "indices": chosen[worst[:100]].tolist(),
            "accuracy": probe.accuracy,
            "samples": len(probe.labels),
        },
        examples=tuple(listed),
        remedy="look at these first",
    )


def _errors(sureness: Floats, wrong: NDArray[np.bool_], part: float) -> float:
    """Share of errors among the surest part of predictions."""
    return float(wrong[sureness >= np.quantile(sureness, 1 - part)].mean())


def _is_swapped(probe: Probe, one: int, other: int) -> bool:
    """Whether labels of two classes were exchanged, and not only look alike.

    Between these two, classes that look alike are told well where the probe is sure; exchanged
    labels are as often wrong there as elsewhere.
    """
    pair = [one, other]
    rows = np.isin(probe.labels, pair) & np.isin(probe.probabilities.argmax(1), pair)
    if rows.sum() < FEWEST_OF_PAIR:
        return False
    both = probe.probabilities[rows][:, pair]
    wrong = np.array(pair)[both.argmax(1)] != probe.labels[rows]
    sureness = both.max(1) / both.sum(1)
    deep = _errors(sureness, wrong, DEEP)
    return deep >= max(MIXED, EVEN * _errors(sureness, wrong, 0.5))


def _mixed(joint: IntArray, classes: list[str]) -> list[tuple[str, str, float]]:
    """Pairs of classes of which many of the first are taken for the second, the worst first."""
    fractions = joint / joint.sum(1, keepdims=True).clip(1)
    np.fill_diagonal(fractions, 0)
    found = np.argwhere(fractions >= MIXED).tolist()
    found.sort(key=lambda pair: -fractions[tuple(pair)])
    return [(classes[i], classes[j], float(fractions[i, j])) for i, j in found[:5]]


def confident_joint(
    probabilities: Floats, labels: IntArray
) -> tuple[IntArray, NDArray[np.bool_], IntArray]:
    """Counts of labels by likely true class, which labels are suspect, and the likely class.

    A sample counts for the likeliest class among those whose probability is at least the mean that
    samples labelled so have.

    Source: Northcutt, Jiang and Chuang 2021, arXiv:1911.00068, eq. 1 and 2 (confident learning).

    Args:
        probabilities: ``(n, K)``, of models that have not seen the label.
        labels: ``(n,)``.

    Returns:
        ``(K, K)`` counts, given by likely class; ``(n,)`` whether the two differ; ``(n,)`` classes.
    """
    count = probabilities.shape[1]
    known = [probabilities[labels == name, name] for name in range(count)]
    thresholds = np.array([each.mean() if len(each) else np.inf for each in known])
    above = np.where(probabilities >= thresholds, probabilities, -1.0)
    likely = above.argmax(1)
    confident = above.max(1) >= 0
    joint = np.zeros((count, count), np.int64)
    np.add.at(joint, (labels[confident], likely[confident]), 1)
    return joint, confident & (likely != labels), likely
