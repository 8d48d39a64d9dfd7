"""The exported model: a folder with the card, the networks and the codecs.

Nothing in it is pickled: ``card.json`` is JSON, ``model.safetensors`` holds numbers only.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from gannet.core.codec import classes_of
from gannet.core.config import parse
from gannet.core.errors import COPY_AGAIN, ArtifactError, ConfigError, no_permission
from gannet.core.io.checksum import sealed_json
from gannet.core.io.files import write_whole
from gannet.core.io.json_text import json_text
from gannet.core.io.regular import open_regular
from gannet.core.types import Networks
from gannet.inference.card import Card, read_card
from gannet.inference.judge.judge import Judge
from gannet.inference.sampler import TrainedSampler, codecs_of
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe


class Artifact(TrainedSampler):
    """A trained generator and its discriminator, saved to and loaded from a run's folder."""

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "cpu") -> Self:
        """Rebuild both networks from a run's folder.

        Raises:
            ArtifactError: if the folder is no artifact, damaged, or of a later gannet version.
        """
        folder = Path(folder)
        card = read_card(folder)
        players = _rebuilt(card, folder / "card.json")
        tensors = _read_weights(folder / "model.safetensors", card)
        recipe, discriminator = find_recipe(card.recipe), players.discriminator
        # A copy: the EMA generator has its own values where `players` shares weights with it.
        model = copy.deepcopy(recipe.inference.model(players))
        networks = {"model": model, "discriminator": discriminator}
        if not recipe.makes_samples:
            networks["generator"] = players.generator
        for name, network in networks.items():
            state = _part(tensors, name)
            try:
                network.load_state_dict(state, strict=True)
            except RuntimeError:
                raise ArtifactError(
                    f"the weights do not fit the card: {_misfit(network, state, name)}",
                    where=str(folder / "model.safetensors"),
                    remedy=f"Undo what was changed in card.json by hand. {COPY_AGAIN}",
                ) from None
        for network in networks.values():
            network.to(device).eval().requires_grad_(False)
        return cls(
            card,
            model,
            discriminator,
            statistics=_part(tensors, "statistics"),
            extra_state=_part(tensors, "extra"),
            generator=networks.get("generator"),
            judge=_judge(card, _part(tensors, "judge"), folder),
        )

    def save(self, folder: Path) -> None:
        """Write both files, the card last, so that a folder with a card is complete."""
        parts: dict[str, Mapping[str, Tensor]] = {
            "model": self.model.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "statistics": self.statistics,
            "extra": self.extra_state,
        }
        if self.generator is not None and not self.recipe.makes_samples:
            parts["generator"] = self.generator.state_dict()
        if self.judge is not None:
            parts["judge"] = self.judge.tensors()
        tensors = {f"{part}.{name}": each for part in parts for name, each in parts[part].items()}
        packed = _packed(tensors)
        # One entry: safetensors writes several in random order, so the checksum would differ.
        content = save_tensors(packed, {"format": "pt"})
        digest = hashlib.sha256(content).hexdigest()
        card = self.card.model_copy(update={"weights": digest})
        write_whole(folder / "model.safetensors", content)
        write_whole(folder / "card.json", sealed_json(json_text(card, indent=None)).encode())


def _judge(card: Card, tensors: Mapping[str, Tensor], folder: Path) -> Judge | None:
    """The judge that the card describes, or ``None``.

    Raises:
        ArtifactError: if its weights do not fit the card.
    """
    if card.judge is None or card.judge.missing:
        return None
    kind = card.codecs["sample"]["kind"]
    try:
        return Judge.build(card.judge, find_modality(kind), card.spec, tensors)
    except (RuntimeError, KeyError, ValueError) as error:
        raise ArtifactError(
            f"the weights of the judge do not fit the card: {str(error).splitlines()[0]}",
            where=str(folder / "model.safetensors"),
            remedy=f"Undo what was changed in card.json by hand. {COPY_AGAIN}",
        ) from None


def _packed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as safetensors needs them: weights that two networks share are stored twice."""
    packed: dict[str, Tensor] = {}
    storage_pointers: set[int] = set()
    for name, value in tensors.items():
        contiguous = value.detach().cpu().contiguous()
        packed[name] = (
            contiguous.clone() if contiguous.data_ptr() in storage_pointers else contiguous
        )
        storage_pointers.add(contiguous.data_ptr())
    return packed


def _part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}


def _misfit(network: nn.Module, state: Mapping[str, Tensor], name: str) -> str:
    """One line on how the weights differ from the network; torch prints one per tensor."""
    built = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    read = {key: tuple(value.shape) for key, value in state.items()}
    keys = [*built, *(key for key in read if key not in built)]
    wrong = [key for key in keys if built.get(key) != read.get(key)]
    if not wrong:
        return f"{name} cannot be filled"
    first = wrong[0]
    shapes = [
        "missing" if shape is None else "x".join(map(str, shape)) or "a number"
        for shape in (read.get(first), built.get(first))
    ]
    return (
        f"{len(wrong)} of {len(keys)} in {name} differ, the first is {first}: {shapes[0]} in the "
        f"file, {shapes[1]} by the card"
    )


def _rebuilt(card: Card, where: Path) -> Networks:
    """The networks that the card describes, before their weights are loaded."""
    try:
        recipe = find_recipe(card.recipe)
        config = parse(recipe.config, card.config)
        codecs = codecs_of(card)
    except (ConfigError, ValidationError, KeyError) as error:
        raise ArtifactError(
            f"the card is damaged or of another gannet version: {str(error).splitlines()[0]}",
            where=str(where),
            remedy="Update gannet or install the package that brought the recipe; or copy the "
            "folder again.",
        ) from None
    output, vector_codec = codecs.get(recipe.inference.output), codecs.get("vector")
    classes = classes_of(vector_codec, include_pseudo=True)
    frequencies = card.class_frequencies or [1.0] * len(classes)
    fits = (
        output is not None
        and tuple(output.shape) == card.spec.size_of(recipe.inference.output)
        and len(classes) == len(frequencies)
        and (vector_codec is None or tuple(vector_codec.shape) == (card.spec.vector,))
        and (not frequencies or (min(frequencies) >= 0 and sum(frequencies) > 0))
    )
    if not fits:
        raise ArtifactError(
            "the card contradicts itself: its sizes, codecs and classes do not fit together",
            where=str(where),
            remedy=COPY_AGAIN,
        )
    return recipe.training.build(config, card.spec)


def _read_weights(path: Path, card: Card) -> dict[str, Tensor]:
    try:
        with open_regular(path) as file:
            content = file.read()
        if card.weights and hashlib.sha256(content).hexdigest() != card.weights:
            raise SafetensorError("its checksum is not the one on the card")
        tensors = load_tensors(content)
        if strange := [name for name, each in tensors.items() if bool(each.isnan().any())]:
            raise SafetensorError(f"{strange[0]} holds what is no number")
    except FileNotFoundError:
        raise ArtifactError("the weights are missing", where=str(path), remedy=COPY_AGAIN) from None
    except PermissionError:
        raise no_permission(path, ArtifactError) from None
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            f"the weights are damaged: {error}", where=str(path), remedy=COPY_AGAIN
        ) from None
    return tensors
