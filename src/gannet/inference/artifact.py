"""What a run leaves behind: a folder with a card, the two networks, and the codecs to use them.

Nothing in it is pickled: ``card.json`` is JSON, ``model.safetensors`` holds numbers only.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from gannet.core.codec import Codec
from gannet.core.config import Config, parse
from gannet.core.device import place_of
from gannet.core.errors import ArtefactError, ConfigError, no_permission
from gannet.core.io.files import write_whole
from gannet.core.recipe import Asked, InferOf, Recipe
from gannet.core.seeding import noise_at, seed_at
from gannet.core.transform import Trained
from gannet.core.types import Batch, Condition, Piece, Players, Wishes
from gannet.inference.card import COPY_ANEW, Card, Scale, read_card
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import codec_of
from gannet.networks.convolutional import Projecting
from gannet.networks.tabular.cooccurrence import block, met
from gannet.networks.tabular.layout import Layout
from gannet.networks.tabular.sampling import chances
from gannet.recipes.registry import find_recipe

ROUNDING = 1e-6
"""Most by which shares of classes that leave none out may fall short of 1: they may be 32 bit."""

TOLD = 64
"""Pictures that are answered at once."""

TOGETHER = 65_536
"""Rows of a table that are made at once."""


def no_pairs() -> Tensor:
    """Nothing is known of what occurred together."""
    return torch.zeros(0, 0, dtype=torch.uint8)


@dataclass(frozen=True)
class Artefact:
    """A trained generator and its discriminator, with their card.

    Attributes:
        card: What they are and where they came from.
        product: The network worth keeping; for most recipes the averaged generator.
        discriminator: The judge that the duel trained.
        pairs: Of tables, which symbols occurred together, as bits; else empty.
        kept: What was worked out once the duel was over; see ``Inference.fit_after_training``.
        generator: What makes samples where the product does not; see ``Recipe.makes_samples``.
    """

    card: Card
    product: nn.Module
    discriminator: nn.Module
    pairs: Tensor = field(default_factory=no_pairs)
    kept: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    generator: nn.Module | None = None

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "cpu") -> Self:
        """Rebuild both networks from a run's folder.

        Raises:
            ArtefactError: if the folder is no artefact, is damaged, or is of a later gannet.
        """
        folder = Path(folder)
        card = read_card(folder)
        players = _rebuilt(card, folder / "card.json")
        tensors = _read_weights(folder / "model.safetensors", card)
        recipe, judge = find_recipe(card.recipe), players.discriminator
        # A copy: the average has other numbers than players that it shares weights with.
        product = copy.deepcopy(recipe.inference.model(players))
        networks = {"product": product, "discriminator": judge}
        if not recipe.makes_samples:
            networks["generator"] = players.generator
        for name, network in networks.items():
            state = _part(tensors, name)
            try:
                network.load_state_dict(state, strict=True)
            except RuntimeError:
                raise ArtefactError(
                    f"the weights do not fit the card: {_misfit(network, state, name)}",
                    where=str(folder / "model.safetensors"),
                    remedy=f"Undo what was changed in card.json by hand. {COPY_ANEW}",
                ) from None
        for network in networks.values():
            network.to(device).eval().requires_grad_(False)
        pairs, kept = tensors.get("pairs", no_pairs()), _part(tensors, "kept")
        return cls(card, product, judge, pairs, kept, networks.get("generator"))

    def save(self, folder: Path) -> None:
        """Write both files, the card last: a folder that has a card is complete."""
        parts: dict[str, Mapping[str, Tensor]] = {
            "product": self.product.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "kept": self.kept,
        }
        if self.generator is not None and not self.recipe.makes_samples:
            parts["generator"] = self.generator.state_dict()
        tensors = {f"{part}.{name}": each for part in parts for name, each in parts[part].items()}
        if self.pairs.numel():
            tensors["pairs"] = self.pairs
        packed = _packed(tensors)
        # One entry: safetensors writes several in an order of chance, and the bits would differ.
        content = save_tensors(packed, {"format": "pt"})
        digest = hashlib.sha256(content).hexdigest()
        card = self.card.model_copy(update={"weights": digest})
        write_whole(folder / "model.safetensors", content)
        write_whole(folder / "card.json", card.model_dump_json(indent=2).encode())

    @cached_property
    def recipe(self) -> Recipe[Any]:
        """The recipe that made it."""
        return find_recipe(self.card.recipe)

    @cached_property
    def config(self) -> Config:
        """The settings it was trained with."""
        return parse(self.recipe.config, self.card.config)

    @cached_property
    def codecs(self) -> Mapping[str, Codec[Any]]:
        """Role -> codec."""
        return _codecs(self.card)

    @property
    def trained(self) -> Trained[Any]:
        """All that a recipe's functions take to use the network."""
        return Trained(self.product, self.codecs, self.card.spec, self.config, self.kept)

    @property
    def known_classes(self) -> tuple[str, ...]:
        """Names of the classes of its data; empty if they had none."""
        codec = self.codecs.get("vector")
        return codec.classes if isinstance(codec, LabelCodec) and not codec.made else ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for; empty if it knows none, or foretells them."""
        return () if self.recipe.inference.output == "vector" else self.known_classes

    @property
    def kinds(self) -> int:
        """How many classes, or kinds, a condition's vector tells; 0 if it tells other things."""
        told = self.recipe.inference.output != "vector"
        labels = isinstance(self.codecs.get("vector"), LabelCodec)
        return self.card.spec.vector if told and labels else 0

    def conditions(
        self, count: int, *, label: str | int | None = None, seed: int = 0, start: int = 0
    ) -> Condition:
        """What to tell the generator for rows ``start`` to ``start + count``.

        Args:
            count: Rows.
            label: A class for all rows; by default each row draws one, as often as the training
                data had it, or none (a row of zeros), as often as they had none.
            seed: Of the drawn classes.
            start: Number of the first row.

        Raises:
            ConfigError: if the class is unknown, or no classes were learnt.
        """
        blank = self.card.spec.blank(count)
        if label is not None and not self.classes:
            raise ConfigError(
                f"class {label!r} was asked for, but this run was trained without classes",
                remedy="Leave --label out, or train on class folders or a label column.",
            )
        if not self.kinds:
            return blank
        vector = torch.zeros(count, self.kinds)
        for row, number in enumerate(self._drawn(count, label, seed, start)):
            if number is not None:
                vector[row, number] = 1
        return Condition(vector, blank.grid, blank.tokens)

    def _drawn(
        self, count: int, label: str | int | None, seed: int, start: int
    ) -> list[int | None]:
        """A class number for each row, or ``None`` for no class."""
        if label is not None:
            return [class_number(self.classes, label)] * count
        known = self.kinds
        ends = torch.tensor(self.card.shares or [1.0] * known).double().cumsum(0)
        # A sum that falls short of 1 by no more than rounding leaves no room for rows of no class.
        whole = 1.0 if ends[-1] < 1 - ROUNDING else ends[-1]
        places = [seed_at(seed, start + row, 1) / 2**32 for row in range(count)]
        found: list[int] = torch.searchsorted(ends / whole, torch.tensor(places).double()).tolist()
        return [place if place < known else None for place in found]

    def asked(
        self, count: int, wishes: Sequence[Wishes], *, seed: int = 0, start: int = 0
    ) -> Condition:
        """What to tell the generator for rows for which cells are asked.

        Args:
            count: Rows.
            wishes: Taken by turns, so that each is fulfilled equally often.
            seed: Of what the wishes leave open.
            start: Number of the first row.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        return self._asked({0: range(start, start + count)}, wishes, seed)

    def _asked(
        self, tries: Mapping[int, Sequence[int]], wishes: Sequence[Wishes], seed: int
    ) -> Condition:
        """The same for some tries of some rows, one try after the other."""
        width = 1 + max(map(len, wishes))
        noise = [noise_at(seed_at(_seed_of(seed, n), 3), rows, width) for n, rows in tries.items()]
        chance = chances(torch.cat(noise), width)
        numbers = torch.tensor([row for rows in tries.values() for row in rows], dtype=torch.long)
        blank = self.card.spec.blank(len(numbers))
        for turn, wish in enumerate(wishes):
            mine = numbers % len(wishes) == turn
            if mine.any():
                blank.vector[mine] = self._ask(wish, chance[mine]).condition.vector.cpu()
        return blank

    def share_of(self, wishes: Wishes) -> float:
        """The share of all rows that the network holds to fulfil some wishes without being asked.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        return self._ask(wishes, torch.zeros(0, 1 + len(wishes), dtype=torch.float64)).share

    def met(self, one: Sequence[Piece], other: Sequence[Piece]) -> bool:
        """Whether a row of training fulfilled both of two wishes; true if that is not known."""
        return met(self.pairs, Layout(self.card.spec.table.cardinalities), one, other)

    def pairs_seen(self, one: int, other: int) -> NDArray[np.bool_] | None:
        """``(K, L)`` whether symbols of two fields stood in one row; nothing if not known."""
        return block(self.pairs, Layout(self.card.spec.table.cardinalities), one, other)

    def _ask(self, wishes: Wishes, chance: Tensor) -> Asked:
        return self.recipe.inference.condition_on(
            self.product, self.card.spec, wishes, chance, self.config
        )

    def view(self, samples: Tensor) -> Tensor:
        """Samples as the recipe has them looked at; see ``Evaluation.embed``."""
        return self.recipe.evaluation.embed(samples, self.card.spec)

    @torch.no_grad()
    def draw(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """What the product makes of each condition, ``(n, *shape)``, in its codec's value range.

        Row n depends on the seed, on ``start + n`` and on its own condition alone.
        """
        noise = noise_at(seed, range(start, start + len(condition)), self.config.noise)
        return self._inferred(noise, condition)

    @torch.no_grad()
    def fakes(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """One sample per condition, ``(n, *shape)``; what ``draw`` gives if that is samples."""
        if self.generator is None or self.recipe.makes_samples:
            return self.draw(condition, seed=seed, start=start)
        noise = noise_at(seed, range(start, start + len(condition)), self.config.noise)
        return self._run(self.recipe.sampling, self.generator, noise, condition)

    def held_out_conditions(self, real: Batch, *, seed: int, start: int = 0) -> Condition:
        """What fakes are told that shall be compared with some held-out samples.

        What is told of these or, where the recipe is told nothing of a sample, drawn as
        ``conditions`` does it.
        """
        if self.recipe.inputs.told_of_samples:
            return self.recipe.at_use(real, self.card.spec).condition
        return self.conditions(len(real), seed=seed, start=start)

    def fakes_like(self, real: Batch, *, seed: int) -> Tensor:
        """As many samples as are given, told of them what ``held_out_conditions`` tells."""
        if self.recipe.makes_samples and not self.recipe.inputs.told_of_samples:
            return self.sample(len(real), seed=seed)
        return self.fakes(self.held_out_conditions(real, seed=seed), seed=seed)

    def answer(self, given: Batch, *, seed: int = 0) -> Tensor:
        """An answer to each of some samples, ``(n, *shape)``, from what is told of them."""
        made = [
            self.draw(given[at : at + TOLD].condition, seed=seed, start=at)
            for at in range(0, len(given), TOLD)
        ]
        return torch.cat(made)

    @torch.no_grad()
    def tried(
        self, tries: Mapping[int, Sequence[int]], *, wishes: Sequence[Wishes] = (), seed: int = 0
    ) -> Tensor:
        """Some tries of some rows of a table, ``(n, F)``, one try after the other.

        Args:
            tries: Number of the try -> numbers of the rows. Try 0 gives the rows that ``sample``
                gives; every other one depends on the seed, on its number and on the row's alone.
            wishes: As for ``sample``.
            seed: Of everything.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        noise = torch.cat(
            [noise_at(_seed_of(seed, n), rows, self.config.noise) for n, rows in tries.items()]
        )
        blank = self.card.spec.blank(len(noise))
        return self._inferred(noise, self._asked(tries, wishes, seed) if wishes else blank)

    def _inferred(self, noise: Tensor, condition: Condition) -> Tensor:
        return self._run(self.recipe.inference.infer, self.product, noise, condition)

    def _run(
        self, infer: InferOf[Any], network: nn.Module, noise: Tensor, condition: Condition
    ) -> Tensor:
        device = place_of(network)
        made = infer(network, noise.to(device), condition.to(device), self.config)
        return made.float().cpu()

    def sample(
        self,
        count: int,
        *,
        label: str | int | None = None,
        seed: int = 0,
        start: int = 0,
        wishes: Sequence[Wishes] = (),
    ) -> Tensor:
        """``count`` new samples, ``(count, *shape)``, in the codec's value range.

        Args:
            count: How many; 0 gives an empty tensor.
            label: A class name (or its number), for runs trained with classes; by default all, and
                none, as often as in the training data.
            seed: Row n depends on the seed and on n alone.
            start: Number of the first row, to go on where an earlier call stopped.
            wishes: Cells that are asked for, by turns; see ``asked``.

        Raises:
            ConfigError: if a number is negative or the class is unknown.
        """
        for name, value in (("count", count), ("seed", seed), ("start", start)):
            if value < 0:
                raise ConfigError(f"--{name}: must be at least 0, got {value}")
        if self.recipe.inputs.conditional:
            raise ConfigError(
                f"a run of the recipe {self.card.recipe} makes no samples from nothing: each is an "
                "answer to a picture",
                remedy="Use `gannet apply RUN PICTURE --out OUT`.",
            )
        parts = [torch.zeros(0, *self.card.spec.size_of(self.recipe.inference.output))]
        # Rows are filled cell by cell, and those that begin alike together: many cost little more.
        part = TOGETHER if self.card.spec.table.cardinalities else 256
        for first in range(start, start + count, part):
            rows = min(part, start + count - first)
            if wishes:
                told = self.asked(rows, wishes, seed=seed, start=first)
            else:
                told = self.conditions(rows, label=label, seed=seed, start=first)
            parts.append(self.draw(told, seed=seed, start=first))
        return torch.cat(parts)

    @torch.no_grad()
    def logits(self, samples: Tensor, condition: Condition | None = None) -> Tensor:
        """The discriminator's raw verdicts, ``(n,)``; high means real.

        Without a condition each sample is judged as the class that it fits best.
        """
        device = place_of(self.discriminator)
        return torch.cat(
            [
                self._logits(
                    samples[first : first + 256].to(device),
                    None if condition is None else condition[first : first + 256],
                )
                for first in range(0, len(samples), 256)
            ]
            or [torch.zeros(0)]
        )

    def _logits(self, samples: Tensor, condition: Condition | None) -> Tensor:
        blank = self.card.spec.blank(len(samples)).to(str(samples.device))
        classes, judge = self.kinds, self.discriminator
        if condition is None and classes and isinstance(judge, Projecting):
            return judge.verdict.of_each(judge.features(samples)).float().amax(1).cpu()
        if condition is not None:
            told = [condition.to(str(samples.device))]
        elif classes:
            rows = torch.eye(classes, device=samples.device)
            told = [
                Condition(row.expand(len(samples), -1), blank.grid, blank.tokens) for row in rows
            ]
        else:
            told = [blank]
        every = [judge(samples, each).float().reshape(len(samples), -1).mean(1) for each in told]
        return torch.stack(every).amax(0).cpu()

    def scale(self, *, of_class: bool) -> Scale:
        """What turns logits into probabilities, for a class that is asked for or the best one."""
        found = self.card.scale_of_class if of_class else None
        return found or self.card.scale

    def judge(self, samples: Tensor, condition: Condition | None = None) -> Tensor:
        """Probability of being real, ``(n,)`` in [0, 1]; .5 is as likely real as generated.

        It is a statement about the fakes of *this* generator: other fakes can look real to it.
        """
        scale = self.scale(of_class=condition is not None)
        return (self.logits(samples, condition) * scale.slope + scale.offset).sigmoid()

    def decode(self, samples: Tensor) -> list[Any]:
        """Samples as raw data: ``(H, W, C)`` arrays of 0..255 for pictures, rows for numbers."""
        return self.codecs[self.recipe.inference.output].decode(samples)


def class_number(classes: Sequence[str], label: str | int) -> int:
    """The place of a class, given by name or, where no class has a number for a name, by number.

    >>> class_number(("cat", "dog"), "dog"), class_number(("cat", "dog"), 1)
    (1, 1)

    Raises:
        ConfigError: if there is no such class; the known ones are in the message.
    """
    name = str(label)
    if name in classes:
        return classes.index(name)
    # Among classes "10" and "20", a 1 is more likely a slip than a place.
    by_place = name.isdecimal() and not any(each.isdecimal() for each in classes)
    if by_place and int(name) < len(classes):
        return int(name)
    known = ", ".join(classes[:20]) + (", ..." if len(classes) > 20 else "")
    raise ConfigError(f"--label: no class {name!r}", remedy=f"Known classes: {known}.")


def _seed_of(seed: int, attempt: int) -> int:
    """Where the chance of a row's try comes from; that of the first is the seed's own."""
    return seed_at(seed, 4, attempt) if attempt else seed


def _packed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as safetensors takes them: weights that two networks share are written twice."""
    packed: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in tensors.items():
        plain = value.detach().cpu().contiguous()
        packed[name] = plain.clone() if plain.data_ptr() in seen else plain
        seen.add(plain.data_ptr())
    return packed


def _part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}


def _misfit(network: nn.Module, state: Mapping[str, Tensor], name: str) -> str:
    """In one line how weights differ from a network; torch says a line about each of them."""
    built = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    read = {key: tuple(value.shape) for key, value in state.items()}
    keys = [*built, *(key for key in read if key not in built)]
    wrong = [key for key in keys if built.get(key) != read.get(key)]
    if not wrong:
        return f"{name} cannot be filled"
    first = wrong[0]
    words = [
        "missing" if shape is None else "x".join(map(str, shape)) or "a number"
        for shape in (read.get(first), built.get(first))
    ]
    return (
        f"{len(wrong)} of {len(keys)} in {name} differ, the first is {first}: {words[0]} in the "
        f"file, {words[1]} by the card"
    )


def _codecs(card: Card) -> dict[str, Codec[Any]]:
    return {role: codec_of(made["kind"], made["state"]) for role, made in card.codecs.items()}


def _rebuilt(card: Card, where: Path) -> Players:
    """Networks as the card describes them, with weights still to come."""
    try:
        recipe = find_recipe(card.recipe)
        config = parse(recipe.config, card.config)
        codecs = _codecs(card)
    except (ConfigError, ValidationError, KeyError) as error:
        raise ArtefactError(
            f"the card is of another gannet, or damaged: {str(error).splitlines()[0]}",
            where=str(where),
            remedy="Update gannet or install the package that brought the recipe; or copy the "
            "folder anew.",
        ) from None
    output, told = codecs.get(recipe.inference.output), codecs.get("vector")
    classes = told.classes if isinstance(told, LabelCodec) else ()
    shares = card.shares or [1.0] * len(classes)
    fits = (
        output is not None
        and tuple(output.shape) == card.spec.size_of(recipe.inference.output)
        and len(classes) == len(shares)
        and (told is None or tuple(told.shape) == (card.spec.vector,))
        and (not shares or (min(shares) >= 0 and sum(shares) > 0))
    )
    if not fits:
        raise ArtefactError(
            "the card contradicts itself: its sizes, codecs and classes do not fit together",
            where=str(where),
            remedy=COPY_ANEW,
        )
    return recipe.training.build(config, card.spec)


def _read_weights(path: Path, card: Card) -> dict[str, Tensor]:
    try:
        content = path.read_bytes()
        if card.weights and hashlib.sha256(content).hexdigest() != card.weights:
            raise SafetensorError("its checksum is not the one on the card")
        return load_tensors(content)
    except FileNotFoundError:
        raise ArtefactError("the weights are missing", where=str(path), remedy=COPY_ANEW) from None
    except PermissionError:
        raise no_permission(path, ArtefactError) from None
    except (OSError, SafetensorError) as error:
        raise ArtefactError(
            f"the weights are damaged: {error}", where=str(path), remedy=COPY_ANEW
        ) from None
