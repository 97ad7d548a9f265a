"""The step scripts, on the data of this repository and on what is wrong."""

import json
import shutil
import subprocess
import sys

import pytest
from example import GONE, ROOT, SAMPLES, needs_samples

pd = pytest.importorskip("pandas")
pytest.importorskip("xgboost")

import preprocess  # noqa: E402

from pipelines import local_run  # noqa: E402
from pipelines.configuration import load  # noqa: E402

DATA = {
    "source": "auto",
    "label": "y",
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


def test_the_model_is_within_its_limit_and_better_than_the_mean(local):
    good, sentence = local_run.verdict(local[1], load(ROOT / "config.toml").limits)
    assert good, sentence
    assert "would register this model" in sentence


def test_a_limit_that_is_missed_says_so(local):
    good, sentence = local_run.verdict(local[1], {"rmse": 0.1})
    assert not good
    assert "would not register" in sentence


def test_no_row_is_lost_and_none_is_in_two_sets(local):
    parts = [pd.read_csv(local[0] / part / f"{part}.csv", header=None) for part in ("train", "validation", "test")]
    assert sum(map(len, parts)) == 4177
    assert {part.shape[1] for part in parts} == {11}
    assert len(json.loads((local[0] / "features" / "features.json").read_text())) == 10


def test_smoke_rows_are_test_rows_with_their_predictions(local):
    smoke = json.loads((local[0] / "evaluation" / "smoke.json").read_text())
    assert len(smoke["rows"]) == len(smoke["predictions"]) == 5
    assert {len(row.split(",")) for row in smoke["rows"]} == {10}


@needs_samples
def test_a_broken_column_ends_in_a_sentence(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "input")
    pd.read_csv(ROOT / "data/abalone.csv.gz").rename(columns={"length": "len"}).to_csv(tmp_path / "input/a.csv")
    script = ROOT / "source_scripts/preprocessing/preprocess.py"
    done = subprocess.run([sys.executable, script, "--base", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a.csv has no column length." in done.stderr
    assert "Traceback" not in done.stderr


def test_numbers_are_filled_from_training_rows_only():
    rows = pd.DataFrame({"a": ["1", "2", None, "100"], "c": ["x", "z", "?", "x"], "y": ["1", "2", "3", "4"]})
    parts = preprocess.prepare(rows, DATA)
    known = pd.to_numeric(rows.loc[parts["train"].index, "a"]).median()
    everything = pd.concat(parts.values())
    assert everything.loc[2, "a"] == known
    assert everything.loc[2, ["c_x", "c_z"]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({"a": ["no"] * 8, "c": ["x"] * 8, "y": range(8)}, "The column a holds no number"),
        ({"a": ["1"], "c": ["x"], "y": ["1"]}, "There are only 1 rows with a label"),
    ],
)
def test_data_that_cannot_be_used_is_refused(rows, sentence):
    with pytest.raises(SystemExit, match=sentence):
        preprocess.prepare(pd.DataFrame(rows), DATA)


def test_rows_without_a_label_are_left_out():
    rows = pd.DataFrame({"a": ["1"] * 9, "c": ["x"] * 9, "y": [*map(str, range(8)), None]})
    assert sum(map(len, preprocess.prepare(rows, DATA).values())) == 8


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
