"""The card of an artifact: provenance, and everything needed to rebuild the networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gannet.core.errors import COPY_AGAIN, ArtifactError, no_permission
from gannet.core.io.checksum import checked_json
from gannet.core.io.regular import read_text
from gannet.core.io.training_log import PLAN
from gannet.core.types import Spec

FORMAT = 2


class Calibration(BaseModel):
    """Platt scaling of logits to probabilities, with the usual range of reals and fakes.

    Fitted on equal numbers of held-out reals and new fakes:
    ``P(real) = sigmoid(weight * logit + bias)`` (Platt 1999).

    Attributes:
        weight: Weight of the logit; 0 when the discriminator cannot tell reals from fakes.
        bias: Log-odds of a logit of zero.
        real: Probabilities of held-out reals at the quantiles .05, .25, .5, .75 and .95.
        fake: The same for fakes; empty where they count for nothing, since they are not told.
        other: The same for reals under a class that is not theirs; empty without classes.
        count: Samples on each side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = 1.0
    bias: float = 0.0
    real: tuple[float, ...] = ()
    fake: tuple[float, ...] = ()
    other: tuple[float, ...] = ()
    count: int = 0


class ControlAuc(BaseModel):
    """How well a judge tells one kind of fakes from reals, on samples that it was not fitted to.

    Attributes:
        name: What stood against held-out reals: ``own fakes``, ``noise``, ``another class``.
        auc: P(a real seems more real than one of these).
        low: Lower end of its interval (DeLong).
        high: Upper end.
        detected: Whether the interval lies above chance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    auc: float
    low: float
    high: float
    detected: bool


class JudgeCard(BaseModel):
    """What is needed beside its weights to use the judge of a run.

    Attributes:
        missing: Why there is no judge; empty if there is one.
        classes: Number of classes of reals that its network tells apart; 0 for none.
        groups: The kinds of fakes of its network, in the order of its logits.
        sizes: Logits of those that have more than one.
        detected: Those that it tells from reals, and whose logits count.
        controls: How well it tells each of them.
        calibration: Of its log-odds, for samples of any class.
        class_calibration: For samples judged as those of a given class.
        facts: Lowest and highest of each fact of raw training samples.
        strangers: Share of held-out reals that it calls strangers, of those it was not
            calibrated on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: str = ""
    classes: int = 0
    groups: tuple[str, ...] = ()
    sizes: dict[str, int] = {}
    detected: tuple[str, ...] = ()
    controls: tuple[ControlAuc, ...] = ()
    calibration: Calibration = Calibration()
    class_calibration: Calibration | None = None
    facts: dict[str, tuple[float, float]] = {}
    strangers: float = 0.0

    @property
    def reals(self) -> int:
        """Number of logits of reals, which come first: one for each class."""
        return max(self.classes, 1)

    def logits_of(self, *names: str) -> list[int]:
        """Indices of the logits of some groups of fakes."""
        found: dict[str, range] = {}
        start = self.reals
        for group in self.groups:
            found[group] = range(start, start + self.sizes.get(group, 1))
            start = found[group].stop
        return [index for name in names for index in found[name]]

    @property
    def undetected(self) -> tuple[str, ...]:
        """Controls that it cannot tell from reals."""
        return tuple(each.name for each in self.controls if not each.detected)

    @property
    def blind(self) -> str:
        """Why no probability is given at all; empty if one is."""
        if self.detected:
            return ""
        return f"this judge cannot tell {', '.join(self.groups)} from reals: no probability"


class Card(BaseModel):
    """Everything needed to rebuild the networks, and to know where they came from.

    Attributes:
        class_frequencies: Fraction of the training data in each class; the rest is unlabeled.
        calibration: For samples scored as their best-fitting class.
        class_calibration: For samples scored as a given class; ``None`` without classes.
        steps: Steps after which the model was taken, the best of the run.
        trained_steps: Steps of the whole run; 0 for a run of an earlier version.
        judge: The judge that was fitted at the end; ``None`` for a run of an earlier version.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    recipe: str
    config: dict[str, Any]
    spec: Spec
    codecs: dict[str, dict[str, Any]]
    class_frequencies: tuple[float, ...] = ()
    steps: int
    trained_steps: int = 0
    seed: int
    gannet: str
    calibration: Calibration = Calibration()
    class_calibration: Calibration | None = None
    judge: JudgeCard | None = None
    data: dict[str, Any] = {}
    diagnosis: dict[str, Any] = {}
    energy_distance: dict[str, Any] = {}
    two_sample_test: dict[str, Any] = {}
    weights: str = ""


def _check_format(version: int, where: Path) -> None:
    """Refuse another format version.

    Raises:
        ArtifactError: saying which of the two is older, and what to do.
    """
    if version > FORMAT:
        raise ArtifactError(
            f"format {version} is later than this gannet knows ({FORMAT})",
            where=str(where),
            remedy="Update gannet: pip install --upgrade gannet-gan",
        )
    if version < FORMAT:
        raise ArtifactError(
            f"format {version} of an earlier gannet, this one reads format {FORMAT}",
            where=str(where),
            remedy="Train again, into another folder.",
        )


def read_card(folder: Path) -> Card:
    """The card of a run's folder.

    Raises:
        ArtifactError: if there is none, or it is damaged, foreign, of another format, or
            unreadable.
    """
    where = folder / "card.json"
    remedy = "Give the folder that `gannet train --out` wrote."
    try:
        if not folder.is_dir():
            raise ArtifactError("no such folder", where=str(folder), remedy=remedy)
        content: dict[str, Any] = json.loads(read_text(where))
        if "recipe" in content:  # a foreign file is refused by the model below
            _check_format(int(content.get("format", 1)), where)
        return Card.model_validate(checked_json(content))
    except PermissionError:
        raise no_permission(where, ArtifactError) from None
    except FileNotFoundError:
        if (folder / PLAN).exists():
            raise ArtifactError(
                "this run is not finished: it has no card.json yet",
                where=str(folder),
                remedy="Give its train command again; it goes on from the last save.",
            ) from None
        raise ArtifactError(
            "not a gannet artefact: it has no card.json", where=str(folder), remedy=remedy
        ) from None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        detail = "; ".join(str(error).splitlines()[:2])
        raise ArtifactError(
            f"the card is damaged or foreign: {detail}", where=str(where), remedy=COPY_AGAIN
        ) from None
