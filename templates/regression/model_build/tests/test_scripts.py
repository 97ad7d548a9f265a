"""The step scripts on a sample of the real data."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pd = pytest.importorskip("pandas")


def load(path: str):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


preprocess = load("source_scripts/preprocessing/preprocess.py")
evaluate = load("source_scripts/evaluation/evaluate.py")


def test_preprocess_splits_all_rows(tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "sample.csv.gz").write_bytes((ROOT / "tests/data/abalone_sample.csv.gz").read_bytes())
    script = ROOT / "source_scripts/preprocessing/preprocess.py"
    subprocess.run([sys.executable, str(script), "--base", str(tmp_path)], check=True)
    parts = [pd.read_csv(tmp_path / part / f"{part}.csv", header=None) for part in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [7, 1, 2]
    assert {part.shape[1] for part in parts} == {11}
    assert sorted(value for part in parts for value in part[0]) == [7, 7, 8, 9, 9, 10, 15, 16, 19, 20]


def test_missing_numbers_become_the_median():
    rows = [["M", None, 1, 1, 1, 1, 1, 1, 5], ["F", 2.0, 1, 1, 1, 1, 1, 1, 6], ["I", 4.0, 1, 1, 1, 1, 1, 1, 7]]
    frame = pd.DataFrame(rows, columns=[*preprocess.FEATURES, preprocess.LABEL])
    assert preprocess.prepare(frame)["length"].tolist() == [3.0, 2.0, 4.0]


def test_wrong_columns_are_refused(tmp_path):
    (tmp_path / "bad.csv").write_text("1,2,3\n")
    with pytest.raises(SystemExit, match="3 columns"):
        preprocess.read(tmp_path)


def test_rmse():
    report = evaluate.metrics([1.0, 2.0, 3.0], [1.0, 2.0, 6.0])["regression_metrics"]
    assert report["rmse"]["value"] == pytest.approx(3**0.5)
    assert report["mae"]["value"] == pytest.approx(1.0)
