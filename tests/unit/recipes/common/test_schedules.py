"""Do settings fall along the curve that the recipe names, and nothing else?"""

from __future__ import annotations

import pytest

from gannet.recipes.common.schedules import cosine, exponential
from gannet.recipes.common.tabular import CellConfig

CONFIG = CellConfig(
    learning_rate=8.0, learning_rate_end=0.25, gradient_penalty=2.0, gradient_penalty_end=0.01
)


@pytest.mark.parametrize("curve", [cosine, exponential])
def test_settings_begin_as_they_are_and_end_at_their_share(curve):
    schedule = curve("learning_rate", "gradient_penalty")
    assert schedule(CONFIG, 0.0) == CONFIG
    end = schedule(CONFIG, 1.0)
    assert (end.learning_rate, end.gradient_penalty) == pytest.approx((2.0, 0.02))


def test_half_way_a_cosine_is_in_the_middle_and_an_exponential_at_the_mean_of_logarithms():
    assert cosine("learning_rate")(CONFIG, 0.5).learning_rate == pytest.approx(5.0)
    assert exponential("learning_rate")(CONFIG, 0.5).learning_rate == pytest.approx(4.0)


def test_what_is_not_named_stays():
    changed = exponential("gradient_penalty")(CONFIG, 0.5)
    assert changed == CONFIG.model_copy(update={"gradient_penalty": changed.gradient_penalty})
