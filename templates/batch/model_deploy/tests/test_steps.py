"""The step scripts, on the rows of this repository and on what is wrong."""

import json
import shutil
import subprocess
import sys

import pytest
from example import GONE, ROOT, SAMPLES

pd = pytest.importorskip("pandas")
pytest.importorskip("xgboost")
pytest.importorskip("scipy")

import athena_table  # noqa: E402
import drift  # noqa: E402
import numpy as np  # noqa: E402
import score  # noqa: E402

from deployment import smoke_test  # noqa: E402
from deployment.settings import DeploymentError  # noqa: E402
from pipelines import drift_report, local_run  # noqa: E402
from pipelines.configuration import load  # noqa: E402

if not SAMPLES:
    pytest.skip(GONE, allow_module_level=True)
KNOWN = json.loads((ROOT / "sample_model" / "baseline.json").read_text())
ROWS = pd.read_csv(ROOT / "data" / "credits.csv.gz", dtype=str)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    base = tmp_path_factory.mktemp("local") / "base"
    return base, *local_run.run(ROOT, base, load(ROOT / "config.toml"))


def test_known_rows_are_answered_as_they_were(local):
    assert local[1] == 20


def test_every_row_gets_a_score_and_keeps_its_columns(local):
    scored = pd.read_csv(local[0] / "predictions" / "credits.csv.gz", dtype=str)
    assert list(scored.columns) == [*ROWS.columns, "score"]
    assert scored[ROWS.columns].equals(ROWS)
    assert scored["score"].astype(float).between(0, 1).all()


def test_rows_like_the_training_rows_do_not_drift(local):
    assert local[2]["drifted"] == []
    assert local[2]["rows"] == len(ROWS)
    assert set(local[2]["columns"]) == {*KNOWN["numbers"], *KNOWN["categories"], "score"}
    assert drift_report.verdict(local[2]) == "No drift: none of 18 columns is over its limit."


def test_rows_of_another_kind_drift_and_the_column_is_named():
    scored = ROWS.assign(score="0.3", housing="rent", credit_amount="20000", job=None)
    found = drift.report(scored, KNOWN, 0.2)
    assert set(found["drifted"]) == {"housing", "credit_amount", "job", "score"}
    assert found["columns"]["housing"]["changed_most"]["bin"] == "rent"
    assert found["columns"]["job"]["changed_most"] == {"bin": "(missing)", "before": 0.0, "now": 1.0}
    assert found["columns"]["credit_amount"]["changed_most"]["now"] == 1.0


def test_few_rows_do_not_drift_by_chance():
    """Of hundreds of small samples of the training rows' own distribution, about one in a hundred may count."""
    known = KNOWN["categories"]["purpose"]
    shares = np.asarray(known["counts"]) / sum(known["counts"])
    drawn = np.random.default_rng(3).multinomial(30, shares, size=400)
    over = [drift.stability(known["counts"], now) for now in drawn]
    assert np.mean(np.asarray(over) > 0.2) > 0.3  # the limit alone would call a third of them drifted
    counted = [psi > drift.by_chance(known["counts"], now) for psi, now in zip(over, drawn, strict=True)]
    assert np.mean(counted) < 0.03


def test_the_index_of_known_counts():
    assert drift.stability([10, 10, 0], [10, 10, 0]) == 0
    # Shares 10.5/21 and 10.5/21 against 15.5/21 and 5.5/21.
    before, now = np.array([0.5, 0.5]), np.array([15.5, 5.5]) / 21
    assert drift.stability([10, 10], [15, 5]) == pytest.approx(((now - before) * np.log(now / before)).sum())
    assert drift.stability([10, 0], [0, 10]) > 1
    assert drift.by_chance([10, 0], [20, 0]) == 0


def test_an_unknown_category_is_scored_and_reported():
    rows = ROWS.head(100).assign(housing="tent")
    assert (score.baseline.encode(rows, KNOWN).filter(like="housing_") == 0).all(axis=None)
    found = drift.compare(rows["housing"], KNOWN["categories"]["housing"], 0.2)
    assert found["drifted"]
    assert found["changed_most"]["bin"] == "(unknown)"


def base_of(tmp_path, **files):
    """What a step gets in SageMaker, with these files to score."""
    (tmp_path / "input").mkdir()
    for folder, name in (("model", "model.tar.gz"), ("baseline", "baseline.json")):
        (tmp_path / folder).mkdir()
        shutil.copy(ROOT / "sample_model" / name, tmp_path / folder)
    for name, rows in files.items():
        rows.to_csv(tmp_path / "input" / f"{name}.csv", index=False)
    return tmp_path


def run(script, base):
    command = [sys.executable, str(ROOT / "source_scripts" / script), "--base", str(base)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (ROWS.rename(columns={"housing": "home"}), "a.csv has no column housing."),
        (ROWS.assign(score="1"), "a.csv has a column score, where the model's answers go."),
        (ROWS.assign(credit_amount="?"), "a.csv: the column credit_amount holds no number."),
    ],
)
def test_a_broken_column_ends_in_a_sentence(tmp_path, rows, sentence):
    done = run("scoring/score.py", base_of(tmp_path, a=rows))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_no_files_and_an_empty_file_end_in_sentences(tmp_path):
    base = base_of(tmp_path)
    assert "There is no CSV file in" in run("scoring/score.py", base).stderr
    (base / "input" / "a.csv").write_text("")
    done = run("scoring/score.py", base)
    assert "a.csv is empty. It needs a header line." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_without_rows_is_scored_and_has_nothing_to_compare(tmp_path):
    base = base_of(tmp_path, a=ROWS.head(0))
    assert run("scoring/score.py", base).stdout == "a.csv: 0 rows\n"
    done = run("drift/drift.py", base)
    assert (done.returncode, done.stderr) == (1, "No rows were scored, so that there is nothing to compare.\n")


FACTS = {"SCORING_TABLE": "glue_p1.rows", "REGION": "eu-west-1", "AMAZON_DATAZONE_DOMAIN": "dzd_1"}
FACTS |= {"AMAZON_DATAZONE_PROJECT": "p1"}


@pytest.fixture
def table(monkeypatch):
    """A table with this repository's rows; what was asked of it."""
    asked = {"workgroup": "of the project", "exists": True}

    def read(found, columns, folder):
        asked.update(table=found, columns=columns, folder=folder)
        return ROWS.copy()

    monkeypatch.setattr(athena_table, "workgroup", lambda *_: asked["workgroup"])
    monkeypatch.setattr(athena_table, "exists", lambda _: asked["exists"])
    monkeypatch.setattr(athena_table, "read", read)
    return asked


def test_a_table_is_scored_with_all_its_columns(table, tmp_path):
    [(path, rows)] = score.rows_of(tmp_path, KNOWN, FACTS)
    assert str(path) == "glue_p1.rows.csv"
    assert rows.equals(ROWS)
    assert table["table"] == athena_table.Table("eu-west-1", "of the project", "glue_p1", "rows")
    assert table["columns"] == []
    [_] = score.rows_of(tmp_path, KNOWN, FACTS | {"ATHENA_WORKGROUP": "ours"})
    assert table["table"].workgroup == "ours"


def test_a_table_that_cannot_be_scored_ends_in_a_sentence(table, tmp_path):
    with pytest.raises(SystemExit, match=r"glue_p1\.rows has no column age"):
        list(score.rows_of(tmp_path, {**KNOWN, "numbers": {"age": {}}}, FACTS))
    table["exists"] = False
    with pytest.raises(SystemExit, match=r"There is no table glue_p1\.rows. Create it, or correct scoring\.table"):
        list(score.rows_of(tmp_path, KNOWN, FACTS))
    table["workgroup"] = ""
    with pytest.raises(SystemExit, match=r"Set scoring\.workgroup in config\.toml"):
        list(score.rows_of(tmp_path, KNOWN, FACTS))


def test_files_keep_their_folders(tmp_path):
    base = base_of(tmp_path, a=ROWS.head(2))
    (base / "input" / "later").mkdir()
    shutil.copy(base / "input" / "a.csv", base / "input" / "later")
    assert run("scoring/score.py", base).returncode == 0
    assert sorted(str(path.relative_to(base / "predictions")) for path in (base / "predictions").rglob("*.csv")) == [
        "a.csv",
        "later/a.csv",
    ]


def test_a_wrong_answer_to_a_known_row_stops_a_local_run(tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "sample_model", copy / "sample_model")
    shutil.copytree(ROOT / "source_scripts", copy / "source_scripts")
    known = json.loads((copy / "sample_model" / "smoke.json").read_text())
    known["predictions"][4] += 0.01
    (copy / "sample_model" / "smoke.json").write_text(json.dumps(known))
    (copy / "data").mkdir()
    (copy / "data" / "rows.csv").write_text(smoke_test.KnownRows.of(json.dumps(known)).body)
    with pytest.raises(DeploymentError, match="Known row 5 got the score"):
        local_run.run(copy, tmp_path / "base", load(ROOT / "config.toml"))


def test_known_rows_are_read_as_they_were_written():
    known = smoke_test.KnownRows.of((ROOT / "sample_model" / "smoke.json").read_text())
    assert len(known.predictions) == 20
    assert known.body.startswith("duration_months,")


def test_without_rows_a_local_run_says_what_to_do(tmp_path):
    with pytest.raises(local_run.StepFailed, match="There is no CSV file in data/ of this repository"):
        local_run.run(tmp_path, tmp_path / "base", load(ROOT / "config.toml"))


@pytest.mark.parametrize("content", [b"a\n\xe4\n", b"a\n1,2\n1,2,3\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SystemExit, match=r"a\.csv cannot be read: .* It has to be a CSV file in UTF-8\."):
        score.read(tmp_path / "a.csv", KNOWN)
