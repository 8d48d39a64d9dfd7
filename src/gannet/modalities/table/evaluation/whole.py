"""Evaluation of a model of a table: of its sampled rows, or of its imputed cells."""

from __future__ import annotations

from gannet.core.errors import ConfigError
from gannet.core.scores import Report
from gannet.core.seeding import random_subset
from gannet.modalities.hooks import WholeEvaluation
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.evaluate import evaluate_table
from gannet.modalities.table.evaluation.imputation_report import evaluate_filled

TABLE_ROWS = 50_000
"""Most training rows, and most held-out rows, of an evaluation."""


def evaluate(request: WholeEvaluation) -> Report:
    """Evaluate a model of a table, with as many fakes as training or held-out rows.

    Raises:
        ConfigError: if features are chosen, which tables do not use.
    """
    codec, data, seed = request.codec, request.data, request.seed
    assert isinstance(codec, TableCodec)
    options = dict(request.options)
    if options.pop("features", "auto") != "auto":
        raise ConfigError("--features: tables are scored column by column, without features")
    chosen = [random_subset(len(rows), TABLE_ROWS, seed) for rows in (data.train, data.held_out)]
    if request.transform is not None:  # training calibrated the imputer on every other row
        chosen[1] = [at for at in chosen[1] if at % 2]
    real, others = (
        codec.decode_frame(rows.take(some).real)
        for rows, some in zip((data.train, data.held_out), chosen, strict=True)
    )
    options |= {"count": request.count, "seed": seed}
    if request.transform is not None:
        return evaluate_filled(real, others, codec, request.transform, **options)
    samples = request.sampler.sample(max(len(real), len(others)), seed=seed)
    fake = codec.decode_frame(samples, seed=seed)
    return evaluate_table(real, others, fake, codec, **options)
