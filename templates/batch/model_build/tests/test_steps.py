"""The step scripts, on the data of this repository and on what is wrong."""

import io
import json
import shutil
import subprocess
import sys

import pytest
from example import GONE, ROOT, SAMPLES, needs_samples

pd = pytest.importorskip("pandas")
pytest.importorskip("xgboost")

import evaluate  # noqa: E402
import preprocess  # noqa: E402

from pipelines import local_run  # noqa: E402
from pipelines.configuration import load  # noqa: E402

baseline = evaluate.baseline
DATA = {
    "source": "auto",
    "label": "y",
    "positive": "no",
    "numbers": ["a"],
    "categories": {"c": ["x", "z"]},
    "train_share": 0.5,
    "validation_share": 0.25,
    "seed": 1,
}


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    if not SAMPLES:
        pytest.skip(GONE)
    base = tmp_path_factory.mktemp("local") / "base"
    return base, local_run.run(ROOT, base, load(ROOT / "config.toml"))


def test_the_model_is_within_its_limit_and_knows_more_than_the_share(local):
    good, sentence = local_run.verdict(local[1], load(ROOT / "config.toml").limits)
    assert good, sentence
    assert "would register this model" in sentence
    found = {name: each["value"] for name, each in local[1]["binary_classification_metrics"].items()}
    assert found["accuracy"] > found["baseline_accuracy"]


def test_a_limit_that_is_missed_says_so(local):
    good, sentence = local_run.verdict(local[1], {"auc": 0.99})
    assert not good
    assert "would not register" in sentence


def test_a_model_that_knows_only_the_share_is_not_registered(local):
    """A model whose ranking is fine, but whose probabilities say less than the share does."""
    report = json.loads(json.dumps(local[1]))
    metrics = report["binary_classification_metrics"]
    metrics["log_loss"]["value"] = metrics["baseline_log_loss"]["value"]
    assert not local_run.verdict(report, {"auc": 0.5})[0]


def test_no_row_is_lost_and_none_is_in_two_sets(local):
    parts = [pd.read_csv(local[0] / part / f"{part}.csv", header=None) for part in ("train", "validation", "test")]
    assert list(map(len, parts)) == [600, 150, 250]
    assert {part.shape[1] for part in parts} == {55}
    assert [part[0].mean() for part in parts] == pytest.approx([0.3] * 3)
    assert len(json.loads((local[0] / "features" / "features.json").read_text())) == 54


@needs_samples
def test_columns_of_people_that_a_model_must_not_use_are_not_in_the_data():
    columns = pd.read_csv(ROOT / "data/credit.csv.gz").columns
    assert not [name for name in columns if any(word in name for word in ("sex", "age", "foreign", "status"))]


def test_known_rows_are_test_rows_as_they_were_read_with_their_predictions(local):
    smoke = json.loads((local[0] / "evaluation" / "smoke.json").read_text())
    rows = pd.read_csv(io.StringIO(smoke["body"]), dtype=str)
    assert len(rows) == len(smoke["predictions"]) == preprocess.KNOWN_ROWS
    assert rows["housing"].isin(["rent", "own", "free"]).all()
    assert all(0 < value < 1 for value in smoke["predictions"])


def test_known_rows_encoded_by_the_baseline_are_those_of_the_test_set(local):
    """So what the deploy repository encodes by the baseline is what the model was trained on."""
    smoke = json.loads((local[0] / "evaluation" / "smoke.json").read_text())
    known = json.loads((local[0] / "evaluation" / "baseline.json").read_text())
    encoded = baseline.encode(pd.read_csv(io.StringIO(smoke["body"]), dtype=str), known)
    test = pd.read_csv(local[0] / "test" / "test.csv", header=None)
    assert encoded.to_numpy().tolist() == test.iloc[: len(encoded), 1:].to_numpy().tolist()


def test_the_baseline_counts_every_training_row_in_each_column_and_every_score(local):
    known = json.loads((local[0] / "evaluation" / "baseline.json").read_text())
    columns = known["numbers"] | known["categories"]
    assert list(columns) == baseline.columns(known)
    assert {sum(each["counts"]) for each in columns.values()} == {600}
    assert all(len(each["counts"]) == len(baseline.bins(each)) for each in columns.values())
    assert sum(known["score"]["counts"]) == 250
    assert max(known["score"]["counts"]) == 25


def test_bins_of_a_number_are_open_at_both_ends_and_count_what_is_no_number():
    known = {"edges": [1.0, 2.0]}
    assert baseline.bins(known) == ["<= 1", "<= 2", "> 2", "(missing)"]
    assert baseline.counts(pd.Series(["-9", "1", "1.5", "2", "99", None, "x"]), known) == [2, 2, 1, 2]


def test_a_number_that_never_changes_has_one_bin():
    known = baseline.describe(pd.DataFrame({"a": ["3"] * 9}), {"numbers": ["a"], "categories": {}})["numbers"]["a"]
    assert baseline.bins(known) == ["(any)", "(missing)"]
    assert known["counts"] == [9, 0]


def test_bins_of_a_category_tell_the_unknown_from_the_missing():
    known = {"values": ["x", "z"]}
    assert baseline.bins(known) == ["x", "z", "(unknown)", "(missing)"]
    assert baseline.counts(pd.Series(["x", "z", "x", "?", None]), known) == [2, 1, 1, 1]


def test_metrics_of_known_answers():
    found = evaluate.metrics([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])["binary_classification_metrics"]
    values = {name: each["value"] for name, each in found.items()}
    assert values["auc"] == 0.75
    assert values["accuracy"] == values["precision"] == values["recall"] == values["f1"] == 0.5
    assert values["baseline_accuracy"] == 0.5
    assert values["baseline_log_loss"] == pytest.approx(0.693147)
    assert found["auc"]["standard_deviation"] > 0


@needs_samples
def test_a_broken_column_ends_in_a_sentence(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "input")
    broken = pd.read_csv(ROOT / "data/credit.csv.gz").rename(columns={"housing": "home"})
    broken.to_csv(tmp_path / "input/a.csv")
    script = ROOT / "source_scripts/preprocessing/preprocess.py"
    done = subprocess.run([sys.executable, script, "--base", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a.csv has no column housing." in done.stderr
    assert "Traceback" not in done.stderr


def test_numbers_are_filled_from_training_rows_only():
    rows = pd.DataFrame({"a": ["1", None, "3", "100"] * 4, "c": ["x", "z", "?", "x"] * 4, "y": ["no", "yes"] * 8})
    parts = preprocess.prepare(rows, DATA)[0]
    known = pd.to_numeric(rows.loc[parts["train"].index, "a"]).median()
    everything = pd.concat(parts.values())
    assert everything.loc[1, "a"] == known
    assert everything.loc[2, ["c_x", "c_z"]].tolist() == [0, 0]
    assert everything.loc[[0, 1], "y"].tolist() == [1, 0]


def test_each_set_has_the_same_share_of_a_rare_class():
    rows = pd.DataFrame({"a": ["1"] * 200, "c": ["x"] * 200, "y": ["no"] * 8 + ["yes"] * 192})
    parts = preprocess.prepare(rows, DATA)[0]
    assert {name: int(part["y"].sum()) for name, part in parts.items()} == {"train": 4, "validation": 2, "test": 2}
    assert sorted(pd.concat(parts.values()).index) == list(range(200))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({"a": ["no"] * 16, "c": ["x"] * 16, "y": ["no", "yes"] * 8}, "The column a holds no number"),
        ({"a": ["1"] * 3, "c": ["x"] * 3, "y": ["no", "yes", "yes"]}, "There are only 3 rows with a label"),
        ({"a": ["1"] * 4, "c": ["x"] * 4, "y": ["no"] * 4}, "has to hold two classes, .* It holds 1: no"),
        ({"a": ["1"] * 3, "c": ["x"] * 3, "y": ["no", "yes", "?"]}, r"It holds 3: \?, no, yes"),
        ({"a": ["1"] * 2, "c": ["x"] * 2, "y": ["0", "1"]}, r"one of them no \(data.positive\). It holds 2: 0, 1"),
        ({"a": ["1"], "c": ["x"], "y": [None]}, "It holds 0: none"),
    ],
)
def test_data_that_cannot_be_used_is_refused(rows, sentence):
    with pytest.raises(SystemExit, match=sentence):
        preprocess.prepare(pd.DataFrame(rows, dtype=object), DATA)


def test_rows_without_a_label_are_left_out():
    rows = pd.DataFrame({"a": ["1"] * 18, "c": ["x"] * 18, "y": [*["no", "yes"] * 8, None, " "]})
    assert sum(map(len, preprocess.prepare(rows, DATA)[0].values())) == 16


def test_a_category_may_be_called_as_pandas_calls_what_is_missing(tmp_path):
    (tmp_path / "a.csv").write_text("a,c,y\n1,NA,no\n,None,yes\n")
    found = preprocess.read_files(tmp_path, DATA)
    assert found["c"].tolist() == ["NA", "None"]
    assert found["a"].isna().tolist() == [False, True]


def test_no_files_at_all(tmp_path):
    with pytest.raises(SystemExit, match="There is no CSV file in"):
        preprocess.read_files(tmp_path, DATA)


def test_source_table_does_not_fall_back_to_files(tmp_path):
    with pytest.raises(SystemExit, match="There is no table to read"):
        preprocess.read(tmp_path, {**DATA, "source": "table"}, {})


def test_without_data_a_local_run_says_what_to_do(tmp_path):
    with pytest.raises(local_run.StepFailed, match="There is no CSV file in data/ of this repository"):
        local_run.run(tmp_path, tmp_path / "base", load(ROOT / "config.toml"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("latin1.csv", "a,c,y\n1,x,ä\n".encode("latin-1")),
        ("ragged.csv", b"a,c,y\n1,x,2\n1,x,2,3,4\n"),
        ("not_packed.csv.gz", b"a,c,y\n1,x,2\n"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit, match=rf"{name} cannot be read: .* It has to be a CSV file in UTF-8\."):
        preprocess.read_files(tmp_path, DATA)


def test_files_of_other_systems_are_read_as_they_are_meant(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeffa, c ,y\r\n1,x,no\r\n,z,yes\r\n".encode())
    found = preprocess.read_files(tmp_path, DATA)
    assert list(found.columns) == ["a", "c", "y"]
    assert found["y"].tolist() == ["no", "yes"]


def test_categories_that_are_not_listed_are_said(capsys):
    rows = pd.DataFrame({"a": ["1"] * 4, "c": ["x", "X", None, "z"], "y": ["1"] * 4})
    preprocess.require_categories(rows, DATA)
    assert capsys.readouterr().out == "1 of 4 rows have in c what config.toml does not list: X.\n"
    with pytest.raises(SystemExit, match=r"The column c holds none of data\.categories\.c in config\.toml. It holds X"):
        preprocess.require_categories(rows.assign(c="X"), DATA)
