"""The health of a duel: what is measured, and what it means in plain words.

Losses say little about a duel, so health looks at samples instead: of training data, of data held
out from training, and of fakes. Everything measured is a number that means the same for every
objective; every verdict carries the numbers that led to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize
from torch.nn.utils import get_total_norm

from gannet.chance import seed_at
from gannet.config import Config
from gannet.duel import Duel
from gannet.metrics.distribution import energy_distance, squared_distances
from gannet.types import Batch, Condition

Features = Callable[[Tensor], Tensor]
"""Samples ``(B, *shape)`` to features ``(B, F)``."""

COARSE = 16
"""Cells a side at which likeness of pictures is measured."""

DRAWS = 3
"""Batches whose gradients are compared."""

VerdictName = Literal[
    "healthy",
    "done",
    "collapsed",
    "discriminator overfits",
    "discriminator too weak",
    "generator starved",
    "diverged",
]


@dataclass(frozen=True, slots=True)
class Measures:
    """One look at a duel. All shares and probabilities are in [0, 1].

    Attributes:
        step: When the look was taken.
        auc_train: P(D(real) > D(fake)) on training data; .5 is the draw that a duel aims at.
        auc_held_out: The same on data that training never saw.
        auc_error: Standard error of either.
        d_real: Mean probability that the discriminator gives held-out reals.
        d_fake: The same of fakes.
        spread: Mean distance between fakes over that between reals; 1 is as varied.
        crowding: Median distance from a fake to its nearest fake over the same of reals.
        copied: Share of fakes nearer to a training sample than 1 % of held-out reals are.
        critic: How well a plain linear critic, fresh at every look, tells fakes from held-out reals
            (its AUC on samples that it was not fitted on).
        distance: Energy distance from the averaged generator's fakes to held-out reals.
        distance_error: Standard error of it.
        floor: Energy distance from training data to held-out reals.
        baseline: Energy distance from samples of one Gaussian, fitted to the training data, to
            held-out reals: what no duel is needed for.
        gradient_ratio: Length of the generator's last gradient over the discriminator's.
        agreement: Mean cosine between the generator's gradients from batches of the run's size;
            near zero, a step is mostly chance.
        logit_scale: Mean absolute logit, from the middle between reals and fakes.
        finite: Whether all weights and logits are finite numbers.
    """

    step: int
    auc_train: float
    auc_held_out: float
    auc_error: float
    d_real: float
    d_fake: float
    spread: float
    crowding: float
    copied: float
    critic: float
    distance: float
    distance_error: float
    floor: float
    baseline: float
    gradient_ratio: float
    agreement: float
    logit_scale: float
    finite: bool

    def record(self) -> dict[str, Any]:
        """As a JSON object; numbers to six digits."""
        return {
            name: round(value, 6) if isinstance(value, float) and math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look means.

    Attributes:
        name: One of seven.
        evidence: The numbers that led to it, in a sentence.
    """

    name: VerdictName
    evidence: str


def auc(real: Tensor, fake: Tensor) -> float:
    """P(real > fake) for a random pair; ties count half. Any scale and offset give the same.

    >>> auc(torch.tensor([2.0, 3.0]), torch.tensor([1.0, 3.0]))
    0.625
    """
    ordered = fake.sort().values
    below = torch.searchsorted(ordered, real, right=False).double()
    upto = torch.searchsorted(ordered, real, right=True).double()
    return float((below + upto).mean() / 2 / len(fake))


def linear_critic(real: Tensor, fake: Tensor) -> float:
    """How well the best straight line through the features tells two samples apart, as an AUC.

    Fitted on the even rows (Fisher's discriminant with ridge), judged on the odd ones, so chance
    gives .5.

    Args:
        real: ``(N, F)`` features.
        fake: ``(M, F)`` features.
    """
    fit_real, fit_fake = real[::2].double(), fake[::2].double()
    centred = torch.cat([fit_real - fit_real.mean(0), fit_fake - fit_fake.mean(0)])
    covariance = centred.T @ centred / len(centred)
    ridge = 0.1 * covariance.diagonal().mean().clamp_min(1e-12)
    covariance.diagonal().add_(ridge)
    line = _solved(covariance, fit_real.mean(0) - fit_fake.mean(0))
    on_real, on_fake = torch.mv(real[1::2].double(), line), torch.mv(fake[1::2].double(), line)
    return auc(on_real.float(), on_fake.float())


def _solved(matrix: Tensor, right: Tensor) -> Tensor:
    return torch.linalg.solve(matrix, right)


def distance_with_error(real: Tensor, fake: Tensor, blocks: int = 10) -> tuple[float, float]:
    """Energy distance between features, with its standard error over ``blocks`` of rows."""
    size = min(len(real), len(fake)) // blocks
    whole = energy_distance(real, fake)
    if size < 2:
        return whole, math.nan
    parts = [
        energy_distance(real[at : at + size], fake[at : at + size])
        for at in range(0, size * blocks, size)
    ]
    return whole, float(torch.tensor(parts).std() / math.sqrt(blocks))


class Doctor:
    """Looks at a duel from time to time. Holds the samples that all looks share.

    Args:
        train: Rows of training data, ``(n, *shape)`` with their conditions.
        held_out: Rows that training never sees.
        features: What the distance to held-out data is measured in.
        seed: Of the fakes; each look draws its own.
    """

    def __init__(self, train: Batch, held_out: Batch, features: Features, *, seed: int) -> None:
        self.train, self.held_out, self.features, self.seed = train, held_out, features, seed
        self.count = len(held_out)
        self.known = outline(train.real)
        apart = _apart(outline(held_out.real), self.known).amin(1)
        self.copy_distance = float(apart.quantile(0.01))
        some = self.known[: self.count]
        self.real_spread, self.real_nearest = _mean_distance(some), _nearest(some)
        self.real_features = features(held_out.real)
        known, blurred = (
            features(train.real[: self.count]),
            gaussian(train.real, self.count, seed=seed),
        )
        self.floor = energy_distance(self.real_features, known)
        self.baseline = energy_distance(self.real_features, features(blurred))

    @torch.no_grad()
    def look(self, duel: Duel[Any]) -> Measures:
        """Measure the duel as it stands; changes nothing in it."""
        judge = duel.players.discriminator
        told = self.held_out.condition
        fake = self._fakes(duel, duel.recipe.product(duel.players), told)
        kept = self._fakes(duel, duel.average, told)
        known = self.train[: self.count]
        with evaluating(judge):
            on_train = _logits(judge, known.real, known.condition)
            on_real = _logits(judge, self.held_out.real, told)
            on_fake = _logits(judge, fake, told)
        logits = torch.cat([on_train, on_real, on_fake])
        finite = bool(logits.isfinite().all() and fake.isfinite().all() and _finite(duel))
        if not finite:
            return _broken(duel.step, self.floor, self.baseline)
        return self._measures(duel, on_train, on_real, on_fake, outline(fake), kept)

    def _fakes(self, duel: Duel[Any], product: nn.Module, told: Condition) -> Tensor:
        width = duel.config.noise
        generator = torch.Generator().manual_seed(seed_at(self.seed, duel.step, 2))
        noise = torch.randn(len(told), width, generator=generator)
        noise, told = noise.to(duel.device), told.to(duel.device)
        with evaluating(product):
            made = duel.recipe.infer(product, noise, told, duel.config)
        return made.float().cpu()

    def _agreement(self, duel: Duel[Any]) -> float:
        """How far batches agree on where the generator should go."""
        size, now, weights = duel.config.batch, duel.now(), duel.generator.weights
        gradients: list[Tensor] = []
        # Running statistics must stay as they are.
        with evaluating(duel.players), torch.random.fork_rng(), torch.enable_grad():
            for turn in range(DRAWS):
                torch.manual_seed(seed_at(self.seed, duel.step, 4, turn))
                batch = self.train[torch.randint(len(self.train), (size,))].to(duel.device)
                noise = torch.randn(len(batch), now.noise).to(duel.device)
                problem = duel.recipe.prepare(batch, duel.rng, now)
                terms = duel.generator.terms(duel.players, problem, noise, now)
                total = torch.stack([*terms.values()]).sum()
                found = torch.autograd.grad(total, weights, materialize_grads=True)
                gradients.append(torch.cat([each.flatten() for each in found]))
        unit = normalize(torch.stack(gradients), dim=1)
        alike = unit @ unit.T
        return float((alike.sum() - alike.trace()) / (DRAWS * (DRAWS - 1)))

    def _measures(
        self,
        duel: Duel[Any],
        on_train: Tensor,
        on_real: Tensor,
        on_fake: Tensor,
        fakes: Tensor,
        kept: Tensor,
    ) -> Measures:
        # A probability needs an offset, which relativistic losses leave free: take the middle.
        middle = (on_real.mean() + on_fake.mean()) / 2
        made = self.features(kept)
        distance, error = distance_with_error(self.real_features, made)
        nearest = _apart(fakes, self.known).amin(1)
        return Measures(
            step=duel.step,
            auc_train=auc(on_train, on_fake),
            auc_held_out=auc(on_real, on_fake),
            auc_error=math.sqrt(1 / (6 * self.count)),
            d_real=float((on_real - middle).sigmoid().mean()),
            d_fake=float((on_fake - middle).sigmoid().mean()),
            spread=_mean_distance(fakes) / max(self.real_spread, 1e-12),
            crowding=_nearest(fakes) / max(self.real_nearest, 1e-12),
            copied=float((nearest < self.copy_distance).float().mean()),
            critic=linear_critic(self.real_features, made),
            distance=distance,
            distance_error=error,
            floor=self.floor,
            baseline=self.baseline,
            gradient_ratio=_length(duel.generator.weights)
            / max(_length(duel.discriminator.weights), 1e-12),
            agreement=self._agreement(duel),
            logit_scale=float(torch.cat([on_real, on_fake]).sub(middle).abs().mean()),
            finite=True,
        )


@contextmanager
def evaluating(network: nn.Module) -> Generator[None]:
    """Have a network as it is used, and each of its parts afterwards in the mode that it had.

    A recipe may keep a part in evaluation for good (a frozen encoder, say), so that switching the
    whole network back would change it.
    """
    was = [(each, each.training) for each in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for each, training in was:
            each.training = training


def _logits(judge: nn.Module, samples: Tensor, condition: Condition) -> Tensor:
    device = str(next(judge.parameters()).device)
    verdicts = judge(samples.to(device), condition.to(device))
    return verdicts.float().reshape(len(samples), -1).mean(1).cpu()


def _finite(duel: Duel[Any]) -> bool:
    return all(bool(weight.isfinite().all()) for weight in duel.players.parameters())


def _length(weights: Sequence[Tensor]) -> float:
    return float(get_total_norm(each.grad for each in weights if each.grad is not None))


def outline(samples: Tensor) -> Tensor:
    """Samples as rows of numbers in which likeness is cheap to measure.

    Pictures are shrunk to at most 16 cells a side; rows stay as they are.
    """
    if samples.dim() == 4 and max(samples.shape[2:]) > COARSE:
        share = COARSE / max(samples.shape[2:])
        size = [max(round(side * share), 1) for side in samples.shape[2:]]
        samples = interpolate(samples, size, mode="area")
    return samples.flatten(1).float()


def _apart(left: Tensor, right: Tensor) -> Tensor:
    return squared_distances(left, right).clamp_min(0).sqrt()


def _mean_distance(rows: Tensor) -> float:
    count = len(rows)
    return float(_apart(rows, rows).sum() / max(count * (count - 1), 1))


def _nearest(rows: Tensor) -> float:
    """Median distance of a row to its nearest other."""
    # Exact differences: equal rows must be at zero, which the quick way blurs.
    apart = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    apart.fill_diagonal_(math.inf)
    return float(apart.amin(1).median())


def _broken(step: int, floor: float, baseline: float) -> Measures:
    lost = math.nan
    return Measures(
        step=step,
        auc_train=lost,
        auc_held_out=lost,
        auc_error=lost,
        d_real=lost,
        d_fake=lost,
        spread=lost,
        crowding=lost,
        copied=lost,
        critic=lost,
        distance=lost,
        distance_error=lost,
        floor=floor,
        baseline=baseline,
        gradient_ratio=lost,
        agreement=lost,
        logit_scale=lost,
        finite=False,
    )


def gaussian(samples: Tensor, count: int, *, seed: int) -> Tensor:
    """``count`` samples of the one Gaussian that fits ``samples`` ``(n, *shape)``.

    Weighted sums of the centred samples have their covariance, without computing it.
    """
    source = torch.Generator().manual_seed(seed_at(seed, 3))
    flat = samples.flatten(1)
    centred = flat - flat.mean(0)
    weights = torch.randn(count, len(flat), generator=source) / math.sqrt(max(len(flat) - 1, 1))
    made = flat.mean(0) + weights @ centred
    return made.clamp(flat.amin(), flat.amax()).view(count, *samples.shape[1:])


@dataclass(frozen=True, slots=True)
class Limits:
    """Where healthy ends. Set on recorded runs, good and bad: see ``docs/verdicts.md``.

    Attributes:
        warm_up: Share of the run in which a generator may still be finding its feet.
        annealed: Share of the run before which it is not called done.
        looks: Looks in a row that must agree before anything but ``diverged`` is said.
        spread, crowding: Below either, samples are too alike.
        overfit_gap: Between the two AUCs, above it the training data are known by heart.
        progress: A distance above this share of the best before is no progress.
        plain, plainer: AUC of the linear critic above which samples are plainly poor.
        flat: Probability of reals below which the discriminator is unsure.
        resting, seen: Logits smaller than the one, while the critic's AUC is above the other, mean
            that the discriminator is held too flat.
        won, won_auc: Logits larger than the one, while the AUC is above the other, mean that
            nothing keeps the discriminator from being certain.
        swing: AUC below which the discriminator is on the wrong side.
        agreement, far: Agreement below the one, while the distance is above that share of the
            baseline, means that batches are too small.
        logits: Mean size of logits that is no longer a number to work with.
    """

    warm_up: float = 0.08
    annealed: float = 0.75
    looks: int = 3
    spread: float = 0.4
    crowding: float = 0.3
    overfit_gap: float = 0.12
    progress: float = 0.95
    plain: float = 0.97
    plainer: float = 0.985
    flat: float = 0.55
    resting: float = 0.02
    seen: float = 0.9
    won: float = 3.0
    won_auc: float = 0.8
    swing: float = 0.3
    agreement: float = 0.3
    far: float = 0.1
    logits: float = 1e3


def judge(history: Sequence[Measures], share: float, limits: Limits = Limits()) -> Verdict:
    """What the looks so far mean. Pure: the same looks give the same verdict.

    Args:
        history: All looks, oldest first; at least one.
        share: Share of the run that is done, 0..1.
        limits: Where healthy ends.
    """
    now = history[-1]
    if not now.finite or now.logit_scale > limits.logits:
        return Verdict("diverged", _say_diverged(now))
    recent = history[-limits.looks :]
    if not all(each.finite for each in recent):
        return Verdict("healthy", f"recovering: {_numbers(now)}")
    if len(recent) > 1 and sum(each.auc_held_out for each in recent[-2:]) / 2 < limits.swing:
        return Verdict("diverged", _say_swings(now))
    if len(recent) < limits.looks:
        return Verdict("healthy", f"warming up: {_numbers(now)}")
    if early := _early(history, limits):
        return early
    if share < limits.warm_up:
        return Verdict("healthy", f"warming up: {_numbers(now)}")
    if all(_collapsed(each, limits) for each in recent):
        return Verdict("collapsed", _say_collapsed(now))
    if _stuck(history, limits):
        weak = now.d_real < limits.flat
        return Verdict(
            "discriminator too weak" if weak else "generator starved",
            _say_weak(now) if weak else _say_starved(now),
        )
    if share >= limits.annealed and all(_draw(each) for each in recent):
        return Verdict("done", f"fakes cannot be told from held-out data: {_numbers(now)}")
    return Verdict("healthy", _numbers(now))


def sound(now: Measures, limits: Limits = Limits()) -> bool:
    """Whether one look alone shows nothing wrong, so that its state is worth going back to.

    A verdict needs several looks in a row; the first of them must not pass for healthy.
    """
    return (
        now.finite
        and now.logit_scale <= limits.logits
        and now.auc_held_out >= limits.swing
        and not _collapsed(now, limits)
        and not _overfits(now, limits)
    )


def limits_for(config: Config) -> Limits:
    """Limits that suit the objective: only some have logits that are log-odds."""
    if config.model_dump().get("objective") in ("hinge", "wasserstein", "least_squares"):
        return Limits(resting=0.0, won=math.inf, logits=math.inf)
    return Limits()


def _early(history: Sequence[Measures], limits: Limits) -> Verdict | None:
    """What is wrong at any time, even while a generator finds its feet."""
    recent, now = history[-limits.looks :], history[-1]
    if all(_overfits(each, limits) for each in recent):
        return Verdict("discriminator overfits", _say_overfits(now))
    if _won(recent, limits):
        return Verdict("generator starved", _say_won(recent))
    if _noisy(history[-limits.looks - 1 :], limits):
        return Verdict("generator starved", _say_noisy(history[-limits.looks - 1 :]))
    if all(_resting(each, limits) for each in recent):
        return Verdict("discriminator too weak", _say_resting(now))
    return None


def _stuck(history: Sequence[Measures], limits: Limits) -> bool:
    """Poor samples, and no better than before: worse than a Gaussian, and no longer improving."""
    recent, before = history[-limits.looks :], history[: -limits.looks]
    if not before:
        return False
    best = min((each.distance for each in before if each.finite), default=math.inf)
    poor = all(each.distance > each.baseline and each.critic > limits.plain for each in recent)
    return poor and min(each.distance for each in recent) > limits.progress * best


def _numbers(now: Measures) -> str:
    return (
        f"P(D(real) > D(fake)) is {now.auc_train:.2f} on training and {now.auc_held_out:.2f} on "
        f"held-out data, spread {now.spread:.2f}, distance {now.distance:.3g} "
        f"(floor {now.floor:.2g})"
    )


def _say_diverged(now: Measures) -> str:
    if not now.finite:
        return "weights or logits are no longer finite numbers"
    return f"the discriminator's logits have grown to {now.logit_scale:.3g} on average"


def _collapsed(now: Measures, limits: Limits) -> bool:
    return now.spread < limits.spread or now.crowding < limits.crowding


def _overfits(now: Measures, limits: Limits) -> bool:
    gap = now.auc_train - now.auc_held_out
    return gap > max(limits.overfit_gap, 4 * now.auc_error)


def _resting(now: Measures, limits: Limits) -> bool:
    return now.logit_scale < limits.resting and now.critic > limits.seen


def _won(recent: Sequence[Measures], limits: Limits) -> bool:
    """Sure of itself and right: a bounded slope keeps logits small, so large ones mean none."""
    certain = _mean(each.logit_scale for each in recent)
    return certain > limits.won and _mean(each.auc_held_out for each in recent) > limits.won_auc


def _noisy(recent: Sequence[Measures], limits: Limits) -> bool:
    """Far from the data the way is clear: batches that disagree there are too small."""
    far = all(
        each.distance > limits.far * each.baseline and each.critic > limits.plainer
        for each in recent
    )
    enough = len(recent) > limits.looks
    return enough and far and _mean(each.agreement for each in recent) < limits.agreement


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _draw(now: Measures) -> bool:
    near = now.distance - 2 * now.distance_error <= max(now.floor, 0)
    # With fewer than a hundred samples on a side, a draw would only be a lack of evidence.
    enough = now.auc_error < 0.04
    fooled = now.critic < min(0.5 + 4 * now.auc_error, 0.6)
    return near and enough and fooled and abs(now.auc_held_out - 0.5) < 0.1


def _say_collapsed(now: Measures) -> str:
    return (
        f"fakes are too alike: the distance between them is {now.spread:.0%} of that between "
        f"reals, and from one to the nearest other {now.crowding:.0%}"
    )


def _say_overfits(now: Measures) -> str:
    return (
        f"it prefers training data to fakes {now.auc_train:.0%} of the time, held-out data only "
        f"{now.auc_held_out:.0%}: it knows the training data by heart"
    )


def _say_swings(now: Measures) -> str:
    return (
        f"the discriminator prefers fakes to held-out data {1 - now.auc_held_out:.0%} of the time: "
        "the players overshoot each other"
    )


def _say_resting(now: Measures) -> str:
    return (
        f"it gives everything {now.d_real:.3f} to {now.d_fake:.3f}, yet a fresh linear critic "
        f"tells {now.critic:.0%} of pairs apart: 50:50 proves nothing here"
    )


def _say_won(recent: Sequence[Measures]) -> str:
    return (
        f"the discriminator's logits stand {_mean(each.logit_scale for each in recent):.1f} from "
        f"the middle and it is right {_mean(each.auc_held_out for each in recent):.0%} of the "
        "time: nothing keeps it from being certain, and the generator learns little"
    )


def _say_noisy(recent: Sequence[Measures]) -> str:
    now = recent[-1]
    return (
        f"batches agree only {_mean(each.agreement for each in recent):.0%} on where the generator "
        f"should go, while its samples' distance of {now.distance:.3g} is far above the floor "
        f"({now.floor:.2g}): the batch is too small"
    )


def _poor(now: Measures) -> str:
    return (
        f"the samples' distance of {now.distance:.3g} is above that of one plain Gaussian "
        f"({now.baseline:.3g}) and no longer falls"
    )


def _say_weak(now: Measures) -> str:
    return (
        f"its needle rests at {now.d_real:.2f} : {now.d_fake:.2f}, yet a fresh linear critic tells "
        f"{now.critic:.0%} of pairs apart and {_poor(now)}: 50:50 proves nothing here"
    )


def _say_starved(now: Measures) -> str:
    return (
        f"the discriminator tells {now.auc_held_out:.1%} of pairs apart, and {_poor(now)}: the "
        "generator learns next to nothing"
    )
