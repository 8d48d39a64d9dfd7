"""Tables as commands: trained, sampled under conditions, judged, resumed; and every bad input."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import gannet as package
from gannet.api.train import prepare
from gannet.core.io.checksum import checked_json
from gannet.training.plan import Plan

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

SMALL = ["--width=16", "--batch=64", "--threads=1", "--blocks=1"]
NAMES = ["id", "name", "age", "born", "place", "smokes", "weight"]


def read(path, delimiter=";"):
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def column(rows, name):
    return [row[NAMES.index(name)] for row in rows[1:]]


@pytest.fixture(scope="module")
def run(gannet, people, tmp_path_factory):
    """Trained without naming a recipe, a column taken as a category."""
    out = tmp_path_factory.mktemp("table") / "run"
    printed = gannet.works("train", people, "--out", out, *SMALL, "--steps", 120)
    (out.parent / "printed.txt").write_text(printed)
    return out


def sample(gannet, run, out, *words):
    return gannet.works("sample", run, "--out", out, *words)


def test_inspect_lists_columns_and_says_which_recipe_and_why(gannet, people):
    said = gannet.works("inspect", people)
    assert "table of 7 columns (text, separated by semicolon), 300 rows" in said
    assert "column place: category of 3" in said
    assert "missing ('?')" in said
    assert "recipe: table, since these data are a table" in said
    assert "warning: name: free text, left out" in said
    found = json.loads(gannet.works("inspect", people, "--json", "--column", "age=category"))
    types = {each["name"]: each["type"] for each in found["details"]["table"]}
    assert types["age"] == "category"
    assert types["born"] == "date"
    assert found["recipe"] == "table"


def test_the_recipe_follows_from_the_data(run, gannet, people):
    printed = (run.parent / "printed.txt").read_text()
    assert "training table in" in printed
    assert "--count 1000 --out fake.csv" in printed
    plan = json.loads((run / "plan.json").read_text())
    assert plan["recipe"] == "table"
    assert plan["config"]["learning_rate"] == pytest.approx(0.003), "of the recipe itself"
    assert "result:" in printed


def test_numbers_are_still_trained_with_generate_if_asked(gannet, points, tmp_path):
    words = ["--width=4", "--batch=8", "--threads=1", "--steps", 3]
    gannet.works("train", points, "--out", tmp_path / "run", "--recipe", "generate", *words)
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    assert (card["recipe"], card["spec"]["table"]["cardinalities"]) == ("generate", [])


def test_samples_have_the_very_columns_and_formats(gannet, run, people, tmp_path):
    said = sample(gannet, run, tmp_path / "fake.csv", "--count", 200)
    assert "200 samples" in said
    rows, real = read(tmp_path / "fake.csv"), read(people)
    assert rows[0] == real[0] == NAMES
    assert len(rows) == 201
    assert set(column(rows, "place")) <= {"north", "south", "east"}
    assert set(column(rows, "age")) <= set(column(real, "age"))
    assert "?" in column(rows, "age")
    assert all(len(each.partition(".")[2]) == 2 for each in column(rows, "weight"))
    assert all(np.datetime64(each) >= np.datetime64("1950-01-01") for each in column(rows, "born"))
    assert len(set(column(rows, "id"))) == 200
    assert not set(column(rows, "id")) & set(column(real, "id"))


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet"])
def test_the_suffix_chooses_the_format(gannet, run, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    sample(gannet, run, tmp_path / "some.csv", "--count", 12)
    sample(gannet, run, tmp_path / f"some{suffix}", "--count", 12)
    wanted = package.load(run).sample(12)
    from gannet.core.frame import to_pandas
    from gannet.data.containers.frames import read_frame

    found = to_pandas(read_frame(tmp_path / f"some{suffix}"))
    assert list(found.columns) == NAMES
    assert found["place"].tolist() == wanted["place"].tolist()


def test_row_n_depends_on_the_seed_and_on_n_alone(gannet, run, tmp_path):
    for name, words in {
        "many": ["--count", 60],
        "few": ["--count", 7],
        "other": ["--count", 60, "--seed", 1],
        "given": ["--count", 60, "--given", "age=20..40"],
        "few given": ["--count", 7, "--given", "age=20..40"],
    }.items():
        sample(gannet, run, tmp_path / f"{name}.csv", *words)
    found = {path.stem: read(path) for path in tmp_path.glob("*.csv")}
    assert found["many"][:8] == found["few"]
    assert found["given"][:8] == found["few given"]
    assert found["many"] != found["other"]
    assert len(set(column(found["given"], "age"))) > 5


def test_conditions_on_any_columns_together_are_honored(gannet, run, tmp_path):
    asked = ["place=north", "age=30..41", "born=1960-01-01..1985-12-31", "weight=60..80"]
    sample(gannet, run, tmp_path / "a.csv", "--count", 300, "--given", *asked)
    rows = read(tmp_path / "a.csv")
    assert set(column(rows, "place")) == {"north"}
    assert {30, 41} <= {int(each) for each in column(rows, "age")} <= set(range(30, 42))
    assert all("1960-01-01" <= each <= "1985-12-31" for each in column(rows, "born"))
    assert all(60 <= float(each) <= 80 for each in column(rows, "weight"))
    sample(gannet, run, tmp_path / "b.csv", "--count", 50, "--given", "place=east", "age=?")
    assert set(column(read(tmp_path / "b.csv"), "age")) == {"?"}
    words = ["--given", "place=east", "--given", "place=south", "--count", 100]
    sample(gannet, run, tmp_path / "c.csv", *words)
    assert set(column(read(tmp_path / "c.csv"), "place")) == {"east", "south"}


def test_values_are_balanced_on_request(gannet, run, tmp_path):
    sample(gannet, run, tmp_path / "a.csv", "--count", 90, "--stratify-by", "place")
    counts = Counter(column(read(tmp_path / "a.csv"), "place"))
    assert set(counts.values()) == {30}
    words = ["--stratify-by", "place", "--given", "smokes=no", "--count", 30]
    sample(gannet, run, tmp_path / "b.csv", *words)
    assert set(column(read(tmp_path / "b.csv"), "smokes")) == {"no"}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_row_obeys_the_rules_in_every_format(gannet, run, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    from gannet.data.containers.frames import read_frame

    rules = ["age <= weight or smokes == yes", "born < 1990-01-01", "occurs(place, smokes)"]
    out = tmp_path / f"a{suffix}"
    said = sample(gannet, run, out, "--count", 200, "--constraint", *rules)
    assert "enforced by conditional sampling: 'born < 1990-01-01'" in said
    assert "of the rows obeyed at once" in said
    frame = read_frame(out)
    made = {name: frame.column(name).tolist() for name in NAMES}
    assert len(frame) == 200
    assert all(each < "1990-01-01" for each in map(str, made["born"]))
    assert not any(
        each == "yes" and place != "north"
        for each, place in zip(made["smokes"], made["place"], strict=True)
    )
    rows = zip(made["age"], made["weight"], made["smokes"], strict=True)
    assert all(a in ("?", None) or float(a) <= float(w) or s == "yes" for a, w, s in rows)
    sample(gannet, run, tmp_path / f"b{suffix}", "--count", 9, "--constraint", *rules)
    assert read_frame(tmp_path / f"b{suffix}").rows() == frame[:9].rows()


def test_inspect_lists_rules_that_sample_takes(gannet, tmp_path):
    rng, lines = np.random.default_rng(0), ["begin,until,size"]
    for _ in range(300):
        day = np.datetime64("2020-01-01") + rng.integers(0, 300)
        lines.append(f"{day},{day + rng.integers(0, 30)},{rng.normal():.2f}")
    data = tmp_path / "spans.csv"
    data.write_text("\n".join(lines))
    rule = "begin <= until"
    assert f"rule: {rule} in all 300 rows" in gannet.works("inspect", data)
    found = json.loads(gannet.works("inspect", data, "--json"))
    assert [each["rule"] for each in found["details"]["rules"]] == [rule]
    gannet.works("train", data, "--out", tmp_path / "run", *SMALL, "--steps", 20)
    out = tmp_path / "fake.csv"
    sample(gannet, tmp_path / "run", out, "--count", 100, "--constraint", rule)
    rows = read(out, ",")[1:]
    assert len(rows) == 100
    assert all(row[0] <= row[1] for row in rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--constraint", "agee < 30"], "Did you mean 'age'?"),
        (["--constraint", "age <"], "the rule ends\n    age <\n         ^"),
        (["--constraint", "place < 3"], "have no order"),
        (["--constraint", "age < born"], "a number and a date cannot be compared"),
        (
            ["--constraint", "age < 30", "age > 40"],
            "'age < 30' and --constraint 'age > 40' contradict",
        ),
        (
            ["--constraint", "age < 30", "--given", "age=35..50"],
            "age=35..50 and --constraint 'age < 30'",
        ),
        (["--constraint", "occurs(place, weight)"], "up to 256 values"),
        (["--given", "plase=north"], "no column 'plase'\n  Did you mean 'place'?"),
        (["--given", "place=nort"], "Did you mean 'north'?"),
        (["--given", "age=200"], "'200' was never seen"),
        (["--given", "age"], "Write --given NAME=VALUE"),
        (["--given", "id=P0001"], "not learnt"),
        (["--given", "place=south", "smokes=yes"], "nothing like place=south, smokes=yes was seen"),
        (["--stratify-by", "weight"], "no list of values"),
        (["--stratify-by", "place", "--given", "place=north"], "both given and stratified by"),
        (["--label", "north"], "trained without classes"),
    ],
)
def test_a_condition_that_cannot_be_kept_is_refused(gannet, run, tmp_path, words, said):
    found = gannet.refuses("sample", run, "--out", tmp_path / "new" / "a.csv", *words)
    assert said in found
    assert not (tmp_path / "new").exists()


def test_formats_that_hold_no_table_are_refused(gannet, run, tmp_path):
    assert "Use .csv" in gannet.refuses("sample", run, "--out", tmp_path / "a.png")
    assert "Use .csv" in gannet.refuses("sample", run, "--out", tmp_path / "a.npz")


def test_conditions_are_for_tables(gannet, trained, tmp_path):
    found = gannet.refuses("sample", trained, "--out", tmp_path / "a", "--given", "x=1")
    assert "--given: is for rows, which this run does not make" in found


def test_each_row_of_a_table_is_judged(gannet, run, people):
    found = json.loads(gannet.works("judge", run, people, "--json"))
    assert len(found["judgments"]) == 300
    assert found["judgments"][0]["file"].endswith("people.csv row 2")
    assert all(0 <= each["real"] <= 1 for each in found["judgments"] if not each["novel"])
    assert sum(each["novel"] for each in found["judgments"]) <= 9


def test_a_table_run_is_scored_column_by_column(gannet, run, people, tmp_path):
    gannet.works("evaluate", run, people, "--out", tmp_path / "report")
    found = json.loads((tmp_path / "report" / "report.json").read_text())
    scores = {score["name"]: score for score in found["scores"]}
    assert {"marginals", "pair trends", "exact duplicates", "membership inference"} <= set(scores)
    assert found["baseline"] == "shuffled columns"
    assert scores["marginals"]["reference"] > 0.5
    assert "Where it is worst" in (tmp_path / "report" / "report.md").read_text()
    refused = gannet.refuses("evaluate", run, people, "--features", "random")
    assert "tables are scored column by column" in refused


def test_a_table_of_other_columns_is_refused_with_each_difference(gannet, run, people, tmp_path):
    other = tmp_path / "other.csv"
    text = people.read_text().replace("smokes", "smoker", 1).replace("north", "3", 1)
    other.write_text(text)
    said = gannet.refuses("judge", run, other)
    assert "column 'smokes' is missing; is it 'smoker'?" in said
    assert "column 'smoker' is one too many" in said


# -- Python --------------------------------------------------------------------------------------


def test_data_frames_in_data_frames_out(people, tmp_path):
    pandas = pytest.importorskip("pandas")
    data = pandas.read_csv(people, sep=";", na_values="?")
    small = {"steps": 5, "width": 8, "batch": 32, "threads": 1, "blocks": 1}
    model = package.train(data, tmp_path / "run", **small)
    made = model.sample(25, given={"age": (30, None), "place": ["north", "east"]})
    assert list(made.columns) == NAMES
    assert {name: kind.kind for name, kind in made.dtypes.items() if name in ("age", "weight")} == {
        "age": "f",
        "weight": "f",
    }
    assert made["age"].min() >= 30
    assert set(made["place"]) <= {"north", "east"}
    chances = model.judge(made)
    assert len(chances) == 25
    assert model.sample(0).shape == (0, 7)


def test_text_that_is_a_number_becomes_one(run):
    pytest.importorskip("pandas")
    made = package.load(run).sample(40)
    assert made["age"].dtype.kind == "f"  # some are missing
    assert made["weight"].dtype.kind == "f"
    assert made["born"].iloc[0].count("-") == 2


# -- resume --------------------------------------------------------------------------------------


def session(people, out, **options):
    small = {"width": 8, "batch": 32, "threads": 1, "blocks": 1}
    return prepare(people, out, clock=lambda: 0.0, steps=60, **small, **options)


def test_a_table_run_dropped_at_any_step_ends_with_the_same_bits(people, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    list(session(people, whole).run(save_seconds=0))
    for steps in (1, 26, 13):
        moments = session(people, killed).run(save_seconds=0)
        list(islice(moments, steps))
        moments.close()
    again = session(people, killed)
    assert again.resumed
    list(again.run(save_seconds=0))
    one, two = (load_file(each / "model.safetensors") for each in (whole, killed))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    cards = [json.loads((each / "card.json").read_text()) for each in (whole, killed)]
    assert cards[0] == cards[1]
    assert cards[0]["data"]["dialect"]["delimiter"] == ";"


def test_other_types_of_columns_are_another_run(gannet, people, tmp_path):
    words = [people, "--out", tmp_path / "run", *SMALL, "--steps", 3]
    gannet.works("train", *words, "--column", "age=category")
    assert "--column" in gannet.refuses("train", *words)
    gannet.works("train", *words, "--column", "age=category")


def test_the_layout_of_a_table_survives_json(run):
    plan = Plan.model_validate(checked_json(json.loads((run / "plan.json").read_text())))
    assert plan.spec.table.cardinalities
    assert plan.spec.vector == 2 * len(plan.spec.table.cardinalities)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


# -- bad input -----------------------------------------------------------------------------------

ROWS = [f"{row},{row % 7},{'xyz'[row % 3]}" for row in range(40)]


def table(folder, lines, name="a.csv"):
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a,b,c"], "only a header, no rows"),
        (["a,b,c", ROWS[0]], "1 row, expected at least 2"),
        (["a,b,c", *ROWS[:4]], "only 4 rows, expected at least 10"),
        (["a,b,b", *ROWS], "more than one column 'b'"),
        (["a,b,c", *ROWS[:5], "1,2", *ROWS[5:]], "row 7: 2 cells, expected 3"),
        (["a,b", *["1,2"] * 40], "no column that can be learnt"),
    ],
    ids=["no rows", "one row", "few", "names", "lengths", "constant"],
)
def test_bad_tables_are_refused_with_one_clear_error(gannet, tmp_path, lines, said):
    data = table(tmp_path, lines)
    assert said in gannet.refuses("train", data, "--out", tmp_path / "run", "--steps", 2)
    assert not (tmp_path / "run" / "plan.json").exists()


def test_one_odd_cell_is_set_aside_and_named(gannet, tmp_path):
    data = table(tmp_path, ["a,b,c", *[f"{row}.5,{row % 7},x" for row in range(40)], "many,1,x"])
    told = gannet.works("train", data, "--out", tmp_path / "run", *SMALL, "--steps", 2)
    assert "'many' in row 42" in told


def test_an_unknown_type_or_column_is_refused(gannet, people, tmp_path):
    words = ["train", people, "--out", tmp_path / "run", "--steps", 2]
    assert "did you mean 'integer'?" in gannet.refuses(*words, "--column", "age=intger")
    assert "did you mean 'age'?" in gannet.refuses(*words, "--column", "aeg=integer")
    assert "Write --column NAME=VALUE" in gannet.refuses(*words, "--column", "age")


@pytest.mark.parametrize(
    "lines",
    [
        ["only", *[f"{row % 17}" for row in range(60)]],
        ["gone,kept", *[f",{row % 5}" for row in range(60)]],
        ["yes,no", *[f"{row % 2},{row // 2 % 2}" for row in range(60)]],
    ],
    ids=["one column", "all missing", "few different rows"],
)
def test_odd_tables_are_trained(gannet, tmp_path, lines):
    data = table(tmp_path, lines)
    gannet.works("train", data, "--out", tmp_path / "run", *SMALL, "--steps", 30)
    gannet.works("sample", tmp_path / "run", "--out", tmp_path / "b.csv", "--count", 20)
    found = read(tmp_path / "b.csv", ",")
    assert (found[0], len(found)) == (lines[0].split(","), 21)
    diagnosis = json.loads((tmp_path / "run" / "card.json").read_text())["diagnosis"]
    assert diagnosis["name"] in ("healthy", "converged", "not judged")


def test_labels_are_not_for_tables(gannet, people, tmp_path):
    words = ["--recipe", "table", "--label", "place"]
    said = gannet.refuses("train", people, "--out", tmp_path / "run", *words)
    assert "samples can be conditioned on any column" in said


def test_a_frame_of_no_pandas_is_a_frame(run):
    """Without pandas a sample is a table of gannet's own."""
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import gannet\n"
        f"print(type(gannet.load({str(run)!r}).sample(3)).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "Frame\n", done.stderr
