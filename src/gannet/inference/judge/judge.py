"""The judge: probabilities of being real, and what it calls unlike anything seen in training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from gannet.core.types import Spec
from gannet.inference.card import JudgeCard
from gannet.inference.judge.novelty import Novelty, SampleView
from gannet.modalities.judging import Fact
from gannet.modalities.modality import Modality
from gannet.networks.classifier import BuildClassifier, RowNet, SmallNet
from gannet.networks.features import in_chunks
from gannet.networks.tabular.cell_net import CellNet

NOISE = 64
"""Rows of noise that random features are standardized by, so that they can be built again."""

PHRASES = {
    "network": "what it shows is far from all that was seen",
    "features": "its structure is far from all that was seen",
    "thumbnail": "its coarse look is far from all that was seen",
    "pattern": "its pattern is far from all that was seen",
}
"""Why a view calls a sample a stranger."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """What a judge says of one sample.

    Attributes:
        probability: Of being real rather than fake; ``None`` where none can be given.
        novel: Whether it is unlike anything seen in training.
        reason: Why there is no probability; empty if there is one.
    """

    probability: float | None
    novel: bool = False
    reason: str = ""


def network_of(modality: Modality) -> BuildClassifier:
    """The judge's network for a modality: its own, or one that suits its numbers."""
    own = modality.judging.network
    if own is not None:
        return own
    # Numbers that stand for something are no quantities, which a net of rows would take them for.
    symbols = modality.values == "tokens" and modality.classifier is RowNet
    return CellNet if symbols else modality.classifier


def views_of(modality: Modality, network: SmallNet, shape: Sequence[int]) -> dict[str, SampleView]:
    """How samples are looked at to find strangers; equal arguments give equal views."""
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(NOISE, *shape, generator=rng)
    features = modality.features(noise, 0)
    return {
        "network": lambda samples: network.features(samples.float()),
        "features": features,
        # Directions alone: what is plain, such as a flat ground, has short features.
        "pattern": lambda samples: normalize(features(samples)),
        "thumbnail": modality.thumbnail,
    }


class Judge:
    """Tells reals from fakes of many kinds, and names strangers.

    Attributes:
        card: Its controls, calibrations and ranges.
        network: Logits of reals of each class, then of each group of fakes.
        novelty: Distances to what training showed.
    """

    def __init__(self, card: JudgeCard, network: SmallNet, novelty: Novelty) -> None:
        self.card, self.network, self.novelty = card, network, novelty

    @classmethod
    def build(
        cls, card: JudgeCard, modality: Modality, spec: Spec, tensors: Mapping[str, Tensor]
    ) -> Judge:
        """A judge as ``tensors`` saved it.

        Raises:
            RuntimeError: if the tensors do not fit the card.
        """
        blank = torch.zeros(2, *spec.shape)
        network = network_of(modality)(blank, card.reals + len(card.logits_of(*card.groups)))
        weights = {
            name.removeprefix("network."): each
            for name, each in tensors.items()
            if name.startswith("network.")
        }
        network.load_state_dict(weights, strict=True)
        network.eval().requires_grad_(False)
        state = {
            name.removeprefix("novelty."): each
            for name, each in tensors.items()
            if name.startswith("novelty.")
        }
        return cls(card, network, Novelty(views_of(modality, network, spec.shape), state))

    def tensors(self) -> dict[str, Tensor]:
        """All that is saved beside the card."""
        parts = {f"network.{name}": each for name, each in self.network.state_dict().items()}
        return parts | {f"novelty.{name}": each for name, each in self.novelty.state.items()}

    def log_odds(self, samples: Tensor, label: Tensor | None = None) -> Tensor:
        """Log-odds ``(n,)`` of being real rather than one of the fakes that can be told.

        Args:
            samples: ``(n, *shape)``.
            label: ``(n,)`` the class that each claims to be of; ``None`` for any.
        """
        if not len(samples):
            return torch.zeros(0)
        logits = in_chunks(lambda part: self.network(part.float()), samples, 256)
        return odds(logits, self.card.reals, self.card.logits_of(*self.card.detected), label)

    def judgments(
        self, samples: Tensor, reasons: Sequence[str] = (), label: int | None = None
    ) -> list[Judgment]:
        """A judgment on each sample.

        Args:
            samples: ``(n, *shape)``.
            reasons: Why each is a stranger by its raw form; empty where it is none.
            label: Class that all of them claim to be of; ``None`` for any.
        """
        if not len(samples):
            return []
        novelty = self.novelty(samples)
        scale = self.card.calibration
        labels = None
        if label is not None and self.card.classes:
            labels = torch.full((len(samples),), label)
            scale = self.card.class_calibration or scale
        calibrated = self.log_odds(samples, labels) * scale.weight + scale.bias
        probabilities: list[float] = calibrated.sigmoid().tolist()
        rows: list[list[float]] = novelty.tolist()
        given = reasons or [""] * len(samples)
        return [self._judgment(*each) for each in zip(given, rows, probabilities, strict=True)]

    def _judgment(self, why: str, novelty: Sequence[float], probability: float) -> Judgment:
        if why:
            return Judgment(None, True, why)
        most = max(range(len(novelty)), key=novelty.__getitem__)
        if novelty[most] > 1:
            name = list(self.novelty.views)[most]
            # Rounded up, so that what is beyond a limit is never said to be at it.
            times = math.ceil(novelty[most] * 100) / 100
            limit = f"{times:.2f} times the limit that nearly all reals keep"
            return Judgment(None, True, f"{PHRASES[name]} ({limit})")
        if self.card.blind:
            return Judgment(None, False, self.card.blind)
        return Judgment(probability)

    def beyond(self, facts: Mapping[str, Fact]) -> str:
        """The first fact of a raw sample that lies far outside of training; empty for none."""
        for name, fact in facts.items():
            if name not in self.card.facts:
                continue
            low, high = self.card.facts[name]
            slack = fact.slack
            wide = (low / slack, high * slack) if fact.ratio else (low - slack, high + slack)
            if not wide[0] <= fact.value <= wide[1]:
                return f"{name} is {fact.value:.4g}, in training {_range(low, high)}"
        return ""

    def strange(self, modality: Modality, codec: Any, raws: Any) -> list[str]:
        """Why each raw sample is a stranger by its form alone; empty where it is none."""
        unseen = modality.judging.unseen(codec, raws)
        facts = modality.judging.facts
        if facts is None or not self.card.facts:
            return list(unseen)
        beyond = [self.beyond(facts(raw)) for raw in raws]
        return [one or other for one, other in zip(beyond, unseen, strict=True)]


def odds(logits: Tensor, kinds: int, groups: Sequence[int], label: Tensor | None = None) -> Tensor:
    """Log-odds ``(n,)`` of reals against groups of fakes, from logits ``(n, K)``.

    Args:
        logits: The first ``kinds`` are of classes of reals.
        kinds: Number of classes of reals; 1 without classes.
        groups: Indices of the logits of fakes that count.
        label: ``(n,)`` the class that each claims to be of: then other classes count as fakes.
    """
    fakes = logits[:, list(groups)]
    if label is None:
        if not groups:
            return torch.zeros(len(logits))
        return logits[:, :kinds].logsumexp(1) - fakes.logsumexp(1)
    own = logits.gather(1, label[:, None]).squeeze(1)
    others = logits[:, :kinds].scatter(1, label[:, None], -torch.inf)
    return own - torch.cat([others, fakes], 1).logsumexp(1)


def _range(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
