"""Flags of a benchmark are read as those of commands are written."""

import pytest

from benchmarks.flags import from_flags
from gannet.core.errors import ConfigError


def test_flags_are_read_in_both_spellings():
    assert from_flags(["--learning-rate", "3", "--batch=4"]) == {"learning_rate": "3", "batch": "4"}


@pytest.mark.parametrize(("words", "fault"), [(["steps"], "'steps'"), (["--steps"], "--steps has")])
def test_words_that_are_no_flags_are_refused(words, fault):
    with pytest.raises(ConfigError, match=fault):
        from_flags(words)
