"""Artefacts: what is saved is what is loaded, and what is damaged is refused."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from safetensors.torch import save as pack

from gannet.core.codec import class_number
from gannet.core.errors import ArtifactError, ConfigError
from gannet.core.io.checksum import sealed_json
from gannet.core.types import Condition
from gannet.inference.artifact import Artifact
from gannet.inference.card import Card


@pytest.fixture
def saved(of_classes, tmp_path):
    of_classes.save(tmp_path / "run")
    return tmp_path / "run"


def edit_card(folder, **fields):
    path = folder / "card.json"
    path.write_text(sealed_json(json.dumps(json.loads(path.read_text()) | fields)))


def edit_weights(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    edit_card(folder, weights=hashlib.sha256(content).hexdigest())


# -- round trip --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["of_pictures", "of_classes", "of_rows"])
def test_a_saved_artifact_gives_the_same_samples_and_verdicts(name, request, tmp_path):
    artifact = request.getfixturevalue(name)
    artifact.save(tmp_path)
    loaded = Artifact.load(tmp_path)
    samples = artifact.sample(5, seed=2)
    assert torch.equal(loaded.sample(5, seed=2), samples)
    assert torch.equal(loaded.discriminate(samples), artifact.discriminate(samples))
    assert loaded.classes == artifact.classes
    assert loaded.card.model_copy(update={"weights": ""}) == artifact.card


def test_saving_twice_gives_the_same_bytes(of_classes, tmp_path):
    for name in ("one", "two"):
        of_classes.save(tmp_path / name)
    for name in ("card.json", "model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_nothing_in_an_artifact_is_pickled(saved):
    assert {path.name for path in saved.iterdir()} == {"card.json", "model.safetensors"}
    card = json.loads((saved / "card.json").read_text())
    digest = hashlib.sha256((saved / "model.safetensors").read_bytes()).hexdigest()
    assert (card["format"], card["weights"]) == (2, digest)


# -- rows --------------------------------------------------------------------------------------

# Products of matrices may round otherwise in batches of another size: some units in the last place.
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.mark.parametrize("name", ["of_pictures", "of_classes", "of_rows"])
def test_row_n_depends_on_seed_and_n_alone(name, request):
    artifact = request.getfixturevalue(name)
    whole = artifact.sample(300, seed=4)  # more than are made at once
    for start, count in ((0, 1), (7, 3), (255, 2), (299, 1)):
        part = artifact.sample(count, seed=4, start=start)
        torch.testing.assert_close(part, whole[start : start + count], **CLOSE)
    torch.testing.assert_close(artifact.sample(300, seed=4), whole, rtol=0, atol=0)


def test_the_order_of_calls_does_not_matter(of_classes):
    first = of_classes.sample(3, seed=1)
    of_classes.sample(5, seed=2)
    torch.rand(7)
    assert torch.equal(of_classes.sample(3, seed=1), first)


def test_sampling_leaves_the_global_generator_alone(of_classes):
    before = torch.get_rng_state()
    of_classes.sample(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_neighboring_seeds_give_other_samples(of_pictures):
    one, two = of_pictures.sample(8, seed=0), of_pictures.sample(8, seed=1)
    assert (one - two).abs().flatten(1).amax(1).min() > 1e-4
    assert (one[1:] - two[:-1]).abs().flatten(1).amax(1).min() > 1e-4, "no stream is shared"


def test_no_samples_are_no_samples(of_pictures):
    assert of_pictures.sample(0).shape == (0, 1, 8, 8)
    assert of_pictures.logits(torch.zeros(0, 1, 8, 8)).shape == (0,)


@pytest.mark.parametrize(
    "given", [{"count": -1}, {"count": 1, "seed": -1}, {"count": 1, "start": -2}]
)
def test_negative_numbers_are_refused(of_pictures, given):
    with pytest.raises(ConfigError, match="must be at least 0, got -"):
        of_pictures.sample(**given)


# -- classes -----------------------------------------------------------------------------------


def test_classes_are_drawn_as_often_as_the_data_had_them(of_classes):
    drawn = of_classes.conditions(2_000).vector
    assert drawn.sum(1).eq(1).all()
    assert drawn[:, 1].mean() == pytest.approx(0.75, abs=0.04)


def test_rows_without_a_class_are_drawn_as_often_as_the_data_had_them(of_classes, changed):
    half = changed(of_classes, class_frequencies=(0.125, 0.375))
    drawn = half.conditions(4_000).vector
    # Four standard errors, each sqrt(.25 / 4000) or less.
    assert drawn.mean(0).tolist() == pytest.approx([0.125, 0.375], abs=0.032)
    assert (drawn.sum(1) == 0).float().mean() == pytest.approx(0.5, abs=0.032)
    assert torch.equal(half.conditions(20, start=40).vector, drawn[40:60])
    assert half.conditions(50, label="cat").vector.sum(0).tolist() == [50, 0]
    assert half.sample(3).shape == (3, 1, 8, 8)


@pytest.mark.parametrize("shares", [(0.1,) * 2, (1 / 3, 2 / 3 - 1e-7), (1.0, 3.0), ()])
def test_rounding_leaves_no_row_without_a_class(of_classes, changed, shares):
    drawn = changed(of_classes, class_frequencies=shares).conditions(3_000).vector.sum(1)
    assert bool((drawn == 1).all()) == (shares != (0.1, 0.1))


def test_the_class_of_row_n_depends_on_seed_and_n_alone(of_classes):
    whole = of_classes.conditions(50, seed=3).vector
    assert torch.equal(of_classes.conditions(10, seed=3, start=20).vector, whole[20:30])
    assert not torch.equal(of_classes.conditions(50, seed=4).vector, whole)


@pytest.mark.parametrize("label", ["dog", 1, "1"])
def test_a_class_is_asked_for_by_name_or_number(of_classes, label):
    assert of_classes.conditions(3, label=label).vector.tolist() == [[0, 1]] * 3
    assert torch.equal(of_classes.sample(3, label=label), of_classes.sample(3, label="dog"))


@pytest.mark.parametrize("label", ["dgo", 2, -1, "2", "-1", "", "1.0"])
def test_an_unknown_class_is_refused_with_the_known_ones(of_classes, label):
    with pytest.raises(ConfigError, match="--label: no class") as caught:
        of_classes.sample(1, label=label)
    assert "cat, dog" in caught.value.remedy


def test_where_names_are_numbers_a_number_is_a_name():
    assert class_number(("10", "20"), 20) == 1
    assert class_number(("1", "0"), "0") == 1
    with pytest.raises(ConfigError, match="no class '1'"):
        class_number(("10", "20"), 1)


def test_a_long_list_of_classes_is_cut():
    with pytest.raises(ConfigError) as caught:
        class_number([f"class {number}" for number in range(1_000)], "dog")
    assert len(str(caught.value)) < 400


def test_a_class_is_refused_by_a_run_without_classes(of_pictures):
    with pytest.raises(ConfigError, match="trained without classes"):
        of_pictures.sample(1, label="dog")


# -- judging -----------------------------------------------------------------------------------


def test_verdicts_are_probabilities_and_do_not_depend_on_the_batch(of_classes):
    samples = of_classes.sample(300)
    chances = of_classes.discriminate(samples)
    assert chances.shape == (300,)
    assert ((chances >= 0) & (chances <= 1)).all()
    torch.testing.assert_close(of_classes.discriminate(samples[260:263]), chances[260:263], **CLOSE)


def test_a_sample_of_no_stated_class_is_judged_as_the_class_it_fits_best(of_classes):
    samples = of_classes.sample(4)
    each = [of_classes.logits(samples, of_classes.conditions(4, label=name)) for name in (0, 1)]
    torch.testing.assert_close(of_classes.logits(samples), torch.maximum(*each), **CLOSE)


def test_the_scale_turns_logits_into_probabilities(of_pictures):
    samples = of_pictures.sample(4)
    expected = (of_pictures.logits(samples) * 1.5 + 0.1).sigmoid()
    assert torch.equal(of_pictures.discriminate(samples), expected)


# -- faults ------------------------------------------------------------------------------------


def refusal(folder, match):
    with pytest.raises(ArtifactError, match=match) as caught:
        Artifact.load(folder)
    assert str(folder) in caught.value.where
    assert caught.value.remedy, "no word on what to do"
    return str(caught.value)


def test_a_missing_folder_is_refused(tmp_path):
    refusal(tmp_path / "no_such_run", "no such folder")


def test_a_file_is_no_artifact(tmp_path):
    (tmp_path / "run").write_text("hello")
    refusal(tmp_path / "run", "no such folder")


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"x")
    refusal(tmp_path, "not a gannet artefact: it has no card")


def test_a_run_that_is_not_finished_is_called_so(tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    assert "train command again" in refusal(tmp_path, "not finished")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b'"text"', b"{}", b"\xff\xfe\x00", b'{"format": "x"}',
     b'{"format": null}', b'{"format": 2, "recipe": "generate"}', b"[" * 20_000],
)  # fmt: skip
def test_a_damaged_or_foreign_card_is_refused(saved, content):
    (saved / "card.json").write_bytes(content)
    assert "card.json" in refusal(saved, "the card is damaged or foreign")


def test_a_card_cut_off_anywhere_is_refused(saved):
    content = (saved / "card.json").read_bytes()
    for size in range(0, len(content) - 1, 97):
        (saved / "card.json").write_bytes(content[:size])
        refusal(saved, "the card is damaged")


def test_a_card_that_is_a_folder_is_refused(saved):
    (saved / "card.json").unlink()
    (saved / "card.json").mkdir()
    refusal(saved, "the card is damaged")


def test_an_earlier_format_is_refused_with_what_to_do(saved):
    edit_card(saved, format=1)
    assert "Train again" in refusal(saved, "format 1 of an earlier gannet")
    card = json.loads((saved / "card.json").read_text())
    del card["format"]
    (saved / "card.json").write_text(json.dumps(card))
    refusal(saved, "format 1 of an earlier gannet")


def test_a_later_format_is_refused_with_the_way_to_update(saved):
    edit_card(saved, format=3, something_new=[1])
    assert "pip install --upgrade gannet-gan" in refusal(saved, "format 3 is later")


@pytest.mark.parametrize(
    "fields",
    [
        {"recipe": "no_such"},
        {"config": {"steps": 0}},
        {"config": {"no_such": 1}},
        {"codecs": {"sample": {"kind": "hologram", "state": {}}}},
        {"codecs": {"sample": {"kind": "image", "state": {"height": -1}}}},
        {"codecs": {"sample": {"kind": "image"}}},
    ],
)
def test_a_card_of_another_gannet_is_refused(saved, fields):
    edit_card(saved, **fields)
    assert "card.json" in refusal(saved, "the card is damaged or of another gannet version")


@pytest.mark.parametrize(
    "fields",
    [
        {"codecs": {}},
        {"class_frequencies": [1.0]},
        {"class_frequencies": [0.0, 0.0]},
        {"class_frequencies": [2.0, -1.0]},
        {"spec": {"shape": [1, 9, 8], "vector": 2, "grid": [0], "tokens": [0, 0]}},
        {"spec": {"shape": [1, 8, 8], "vector": 3, "grid": [0], "tokens": [0, 0]}},
    ],
)
def test_a_card_that_contradicts_itself_is_refused(saved, fields):
    edit_card(saved, **fields)
    refusal(saved, "the card contradicts itself")


def test_missing_weights_are_refused(saved):
    (saved / "model.safetensors").unlink()
    assert "model.safetensors" in refusal(saved, "the weights are missing")


@pytest.mark.parametrize("place", [0, 9, 200, -1])
def test_one_flipped_bit_in_the_weights_is_found(saved, place):
    content = bytearray((saved / "model.safetensors").read_bytes())
    content[place] ^= 1
    (saved / "model.safetensors").write_bytes(content)
    assert "checksum" in refusal(saved, "the weights are damaged")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 64, b'\x02\0\0\0\0\0\0\0{"'])
def test_weights_that_are_none_are_refused_even_if_the_checksum_fits(saved, content):
    edit_weights(saved, content)
    assert "model.safetensors" in refusal(saved, "the weights are damaged")


def test_weights_cut_off_are_refused(saved):
    content = (saved / "model.safetensors").read_bytes()
    edit_weights(saved, content[: len(content) // 2])
    refusal(saved, "the weights are damaged")


def test_weights_that_do_not_fit_are_refused(saved):
    edit_weights(saved, pack({"model.no_such": torch.zeros(2)}))
    assert "model.safetensors" in refusal(saved, "the weights do not fit the card")


def test_a_card_edited_to_another_width_is_one_line_of_error(saved):
    config = json.loads((saved / "card.json").read_text())["config"]
    edit_card(saved, config=config | {"width": 8})
    said = refusal(saved, r"do not fit the card: \d+ of \d+ in model differ, the first is \S+: ")
    assert "card.json by hand" in said
    assert len(said.splitlines()) == 2, "the error and its remedy"


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
def test_a_file_that_may_not_be_read_is_not_called_damaged(saved, forbidden, name):
    forbidden(name)
    said = refusal(saved, f"{name}: no permission to read it")
    assert "Check its access rights." in said


def test_a_card_with_a_field_of_its_own_is_refused(saved):
    edit_card(saved, color="blue")
    refusal(saved, "color")


def test_every_field_of_the_card_survives_json(of_classes):
    assert Card.model_validate_json(of_classes.card.model_dump_json()) == of_classes.card


def test_the_best_class_is_found_in_one_pass_as_class_by_class(of_classes):
    samples = of_classes.sample(6, seed=1)
    each = torch.eye(len(of_classes.classes))
    blank = Condition.none(samples)
    one_by_one = [
        of_classes.logits(samples, Condition(row.expand(6, -1), blank.grid, blank.tokens))
        for row in each
    ]
    assert torch.allclose(of_classes.logits(samples), torch.stack(one_by_one).amax(0), atol=1e-5)
