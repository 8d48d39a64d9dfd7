"""Classes made up for data that have none, by sorting samples, where a recipe wants that."""

from __future__ import annotations

from gannet.core import device as processor
from gannet.core.config import Config, flag
from gannet.core.errors import ConfigError
from gannet.data.dataset import Dataset, sorted_by_likeness
from gannet.metrics.kmeans import usual_count
from gannet.modalities.registry import find_modality


def with_pseudo_classes(found: Dataset, setting: str, config: Config) -> Dataset:
    """Data without classes with pseudo-classes in their place, where the recipe can use them.

    Args:
        found: The data.
        setting: Name of the recipe's setting that says how many; empty if it has none.
        config: Its settings, given and usual ones.

    Raises:
        ConfigError: if they were asked for where they cannot be made.
    """
    modality = find_modality(found.source.kind)
    suits = bool(setting) and not found.classes and modality.reading.pseudo_classes
    chosen = config.model_dump(include={setting}, exclude_unset=True)
    count = chosen.get(setting, usual_count(len(found.train)) if suits else 0)
    many = modality.noun[1]
    if count and not suits:
        raise ConfigError(
            f"{flag(setting)}: only pictures without labels are sorted into kinds",
            remedy="Leave it out, or leave the labels aside with --label ''.",
        )
    if count > len(found.train) // 2:
        raise ConfigError(
            f"{flag(setting)}: {len(found.train)} {many} make at most {len(found.train) // 2} "
            f"kinds, got {count}"
        )
    # Always in one order of sums: a resumed run must find the very same kinds.
    with processor.threads(1):
        return sorted_by_likeness(found, count, seed=0) if count else found
