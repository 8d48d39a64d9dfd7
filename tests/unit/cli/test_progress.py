"""What is shown of a run: here, what TensorBoard is told."""

from __future__ import annotations

from itertools import islice

import pytest

from gannet.api.train import Session
from gannet.cli.progress import Events


@pytest.fixture
def condition(planned, loaded, tmp_path):
    """Trains ``steps`` steps (or to the end), telling TensorBoard; then the process is no more."""
    pytest.importorskip("tensorboard")

    def tell(steps=None, save_seconds=0.0):
        session = Session(planned(), loaded, tmp_path / "run", resumed=False, clock=lambda: 0.0)
        events, moments = Events(session), session.run(save_seconds=save_seconds)
        for moment in islice(moments, steps):
            events.show(moment)
        moments.close()
        if events.writer is not None:
            events.writer.close()

    return tell


def shown(run):
    """Steps and values of one measure and one term, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    names = ("monitor/energy_distance", "losses/generator/adversarial")
    return [[(each.step, each.value) for each in found.Scalars(name)] for name in names]


def test_every_look_is_told(condition, tmp_path):
    condition()
    for points in shown(tmp_path / "run"):
        assert [step for step, _ in points] == [4, 8, 12]


@pytest.mark.parametrize("kills", [[9], [5, 9], [9, 9]])
def test_steps_that_are_taken_again_are_told_once(condition, tmp_path, kills):
    for steps in kills:
        condition(steps, save_seconds=1e9)  # nothing is saved, so that all of it is taken again
    condition()
    for points in shown(tmp_path / "run"):
        assert [step for step, _ in points] == [4, 8, 12]


def test_what_was_told_before_the_save_stays(condition, tmp_path):
    condition(9)
    before = shown(tmp_path / "run")
    condition()
    assert [points[:2] for points in shown(tmp_path / "run")] == before


def test_a_run_that_has_nothing_left_to_do_tells_nothing(condition, tmp_path):
    condition()
    before = sorted((tmp_path / "run" / "tensorboard").iterdir())
    condition()
    assert sorted((tmp_path / "run" / "tensorboard").iterdir()) == before
