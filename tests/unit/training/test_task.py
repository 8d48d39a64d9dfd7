"""Requests are validated before anything is read or written."""

from __future__ import annotations

import pytest

from gannet.core.errors import ConfigError
from gannet.training.task import BEFORE_PLAN, _check_empty


def test_a_new_run_writes_over_no_file_that_is_not_its_own(tmp_path):
    (tmp_path / "README.md").write_text("my notes")
    (tmp_path / "photo.png").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"holds no run: README\.md and 1 more"):
        _check_empty(tmp_path)


@pytest.mark.parametrize("names", [(), BEFORE_PLAN, (".DS_Store",)])
def test_an_empty_folder_and_a_run_without_a_plan_are_taken(names, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    _check_empty(tmp_path)
    _check_empty(tmp_path / "new")
