"""Any change of a sealed content is noticed."""

from __future__ import annotations

import json
import random

import pytest

from gannet.core.io.checksum import checked_json, sealed, sealed_json, unsealed


def test_every_changed_byte_is_noticed():
    content = sealed(b"weights of a network")
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(ValueError, match="checksum"):
            unsealed(bytes(changed))


def test_what_is_cut_off_added_or_never_sealed_is_noticed():
    content = sealed(bytes(1000))
    for changed in (b"", content[:-1], content[1:], content + b"\n", bytes(1000)):
        with pytest.raises(ValueError, match="checksum"):
            unsealed(changed)


def test_every_changed_value_of_a_record_is_noticed():
    record = {"a": 1, "b": {"c": [0.1, None]}, "name": "\ud800 ä"}
    held = json.loads(sealed_json(json.dumps(record)))
    assert checked_json(held) == record
    for changes in ({"a": 2}, {"b": {"c": [0.1, 0]}}, {"more": 1}, {"name": ""}):
        with pytest.raises(ValueError, match="checksum is that of other values"):
            checked_json(held | changes)


def test_the_order_and_the_layout_of_a_record_do_not_matter():
    record = {str(number): number / 7 for number in range(20)}
    names = list(record)
    random.Random(1).shuffle(names)
    held = json.loads(sealed_json(json.dumps(record)))
    assert checked_json({name: held[name] for name in ("checksum", *names)}) == record


@pytest.mark.parametrize("record", [[], None, 3, "text"])
def test_what_is_no_object_is_refused(record):
    with pytest.raises(ValueError, match="expected an object"):
        checked_json(record)
