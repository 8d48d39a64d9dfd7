"""Refuse private words in identifiers: what has a name in the literature goes by that name.

``make check`` runs this over ``src``. A word stands here because it once named several things at a
time, or a thing that has a name of its own; what stands behind it says what to write. Identifiers
that use such a word in its ordinary sense, or as a term of the field, are listed as kept.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PRIVATE = {
    "answers": "outputs, conditional samples",
    "anew": "restart",
    "apart": "distance, or a verb",
    "asked": "condition, options",
    "ceiling": "upper_bound",
    "chance": "rng, probability, chance_level",
    "chances": "probabilities, uniforms",
    "closeness": "training_distance",
    "copied": "memorization",
    "critic": "discriminator, two_sample_test, linear_probe",
    "doctor": "monitor",
    "duel": "training, trainer",
    "floor": "reference",
    "gone": "missing",
    "heap": "sample_set, features",
    "heaps": "sample_sets",
    "heard": "adversarial",
    "hole": "missing_mask",
    "holes": "missing_mask",
    "kept": "mask, indices, cached, stored",
    "landing": "output_layer",
    "lesson": "tstr",
    "made": "generated, samples, outputs",
    "maker": "generator",
    "mismatch": "matching_aware",
    "needle": "discriminator_auc",
    "nobody": "unlabelled",
    "place": "index, position, device",
    "places": "indices, positions",
    "reach": "half_width, receptive_radius",
    "said": "message, description",
    "seen": "features, embedded",
    "share": "fraction, probability, ratio, progress",
    "shares": "fractions, class_frequencies",
    "slope": "gradient_penalty, gradient",
    "spot": "offset",
    "spread": "std, diversity",
    "steer": "film",
    "surprise": "cross_entropy, nll",
    "told": "condition",
    "verdict": "diagnosis, summary, logit",
    "waves": "cosine_features, fourier_features",
    "wish": "cell_condition",
    "wishes": "cell_conditions",
    "words": "description, message",
}
"""Word -> what is written instead."""

KEPT = {
    "batches_seen": "training batches consumed so far, as torch and timm say it",
    "chance_level": "the field's term for what guessing gets",
    "chance_levels": "the same of several",
    "dcr_share": "the field's name of the score (distance to closest record)",
    "he_init_spread_bias_": "He initialisation with biases spread over a range",
    "n_critic": "the field's name of the setting (Arjovsky 2017)",
    "pretrain_share": "a setting; the share of steps spent on pre-training",
    "share_cosine_features": "to share: a verb",
    "share_mask": "to share: a verb",
}
"""Identifiers that keep such a word, and why."""


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of everything that a module names."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="np" | "torch")):
                continue  # named by others
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Attribute():
                yield node.lineno, node.attr
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.keyword(arg=str(name)):
                yield node.value.lineno, name
            case ast.Name():
                yield node.lineno, node.id
            case _:
                pass


def parts(name: str) -> list[str]:
    """The words of an identifier.

    >>> parts("heldOut_rows2")
    ['held', 'out', 'rows', '2']
    """
    return [each.lower() for each in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)]


def faults(path: Path) -> Iterator[str]:
    """A line for each private word in a file."""
    for line, name in identifiers(ast.parse(path.read_text(encoding="utf-8"))):
        if name in KEPT:
            continue
        for word in parts(name):
            if word in PRIVATE:
                yield f"{path}:{line}: {name}: write {PRIVATE[word]} instead of {word!r}"


def main() -> int:
    """Print every private word; 1 if there is one."""
    found = sorted({each for path in Path("src").rglob("*.py") for each in faults(path)})
    print("\n".join(found))
    print(f"{len(PRIVATE)} private words, {len(found)} uses, {len(KEPT)} names kept on purpose")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
