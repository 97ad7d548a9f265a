"""The step scripts, on the prompts of this repository and on what is wrong."""

import csv
import gzip
import json
import shutil
import subprocess
import sys

import pytest
from example import GONE, ROOT, SAMPLES, needs_samples

pytest.importorskip("boto3")

import estimate
import preprocess
import prompts
import step
from project_facts import ENVIRONMENT

from pipelines import local_run, source_code
from pipelines.configuration import load
from pipelines.project import from_environment

CONFIGURATION = load(ROOT / "config.toml")
RAW = CONFIGURATION.raw
PROMPTS = ROOT / "data" / "prompts.csv"


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    if not SAMPLES:
        pytest.skip(GONE)
    base = tmp_path_factory.mktemp("local") / "base"
    return base, local_run.run(ROOT, base)


def lines(base, name):
    return [json.loads(line) for line in (base / name / f"{name}.jsonl").read_text().splitlines()]


def script(name, base, *options):
    command = [sys.executable, ROOT / "source_scripts" / name, "--base", base, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})


def test_good_answers_are_within_the_limits_and_better_than_the_baseline(local):
    good, sentence = local_run.verdict(local[1], CONFIGURATION.gate)
    assert good, sentence
    assert "would register this model" in sentence


@needs_samples
def test_bad_answers_are_not(tmp_path):
    report = local_run.run(ROOT, tmp_path / "base", "bad")
    good, sentence = local_run.verdict(report, CONFIGURATION.gate)
    assert not good
    assert "pass_rate is 0." in sentence
    assert report["llm_metrics"]["facts_rate"]["value"] == 0.0


@needs_samples
def test_an_answer_of_the_baselines_kind_does_not_beat_it(tmp_path):
    """Whoever answers every prompt with the baseline's own words ties."""
    shutil.copytree(ROOT, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv", "build", "tests"))
    answers = tmp_path / "copy" / "data" / "recorded" / "answers.jsonl"
    same = [{**json.loads(line), "good": RAW["baseline"]["answer"]} for line in answers.read_text().splitlines()]
    answers.write_text("".join(json.dumps(each) + "\n" for each in same))
    report = local_run.run(tmp_path / "copy", tmp_path / "base")
    assert report["llm_metrics"]["win_rate"]["value"] == 0.5
    assert not local_run.verdict(report, {**CONFIGURATION.gate, "pass_rate": 0.0})[0]


def test_no_prompt_is_lost(local):
    ids = [each["id"] for each in lines(local[0], "prompts")]
    assert len(ids) == len(set(ids)) == 48
    assert ids == [each["id"] for each in lines(local[0], "answers")]
    assert ids == [each["id"] for each in lines(local[0], "judgements")]


def test_what_would_be_deployed_is_what_was_evaluated(local):
    content = (local[0] / "evaluation" / "configuration.json").read_bytes()
    assert content == prompts.released(RAW["candidate"])
    asked = json.loads((local[0] / "evaluation" / "smoke.json").read_text())["prompts"]
    assert len(asked) == 5
    assert all(each["facts"] and each["text"] for each in asked)


def test_the_estimate_is_above_what_was_used(local):
    said = json.loads((local[0] / "estimate" / "estimate.json").read_text())
    used = local[1]["usage"]
    for name in ("candidate_input", "candidate_output", "judge_input", "judge_output"):
        assert used[f"{name}_tokens"]["value"] < said[name]


@needs_samples
def test_dollars_are_said_where_prices_are_known():
    items = preprocess.prepare(preprocess.read_files(ROOT / "data", RAW["data"]), RAW, 0)
    prices = {"candidate_input": 1.0, "candidate_output": 4.0, "judge_input": 3.0, "judge_output": 15.0}
    found = estimate.of(items, {**RAW, "prices": prices})
    expected = sum(getattr(found, name) * price for name, price in prices.items()) / 1_000_000
    assert found.dollars == pytest.approx(expected)
    assert f"{expected:.2f} US dollars" in found.sentence()


@needs_samples
def test_each_sample_prompt_has_criteria_and_recorded_answers():
    with PROMPTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert 40 <= len(rows) <= 60
    assert {row["kind"] for row in rows} == set(RAW["judge"]["criteria"])
    known = {
        each["id"]: each for each in map(json.loads, (ROOT / "data/recorded/answers.jsonl").open(encoding="utf-8"))
    }
    for row in rows:
        facts = row["facts"].lower().split("|")
        assert all(fact in known[row["id"]]["good"].lower() for fact in facts)
        assert not all(fact in known[row["id"]]["bad"].lower() for fact in facts)


@needs_samples
def test_a_broken_column_ends_in_a_sentence(tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "a.csv").write_text(PROMPTS.read_text().replace("id,kind,prompt,", "id,kind,question,", 1))
    done = script("preprocessing/preprocess.py", tmp_path)
    assert done.returncode == 1
    assert "a.csv has no column prompt. It has id, kind, question," in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "prompts").exists()


def rows(*changed):
    ok = {"id": "1", "kind": "summary", "prompt": "p", "context": "", "expected": "e", "facts": "a| b |"}
    return [{**ok, **each} for each in changed]


def test_facts_are_a_list_and_what_is_not_there_is_empty():
    [item] = preprocess.prepare(rows({}), RAW, 0)
    assert (item["facts"], item["baseline"]) == (["a", "b"], "")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([], "There is not one prompt"),
        (rows({}, {"id": "2", "expected": " "}), r"Row 2 \(id 2\) has no expected"),
        (rows({"id": ""}), r"Row 1 \(id missing\) has no id"),
        (rows({"kind": "poem"}), r"of the kind poem\. Add it to judge\.criteria"),
        (rows({}, {}), "The id 1 is there more than once"),
    ],
)
def test_prompts_that_cannot_be_evaluated_are_refused(found, sentence):
    with pytest.raises(SystemExit, match=sentence):
        preprocess.prepare(found, RAW, 0)


def test_a_sample_has_every_kind():
    items = [{"id": str(number), "kind": "ab"[number > 7]} for number in range(10)]
    assert [each["id"] for each in preprocess.spread(items, 4)] == ["0", "1", "8", "9"]
    assert preprocess.spread(items, 0) == preprocess.spread(items, 10) == preprocess.spread(items, 99) == items


def test_files_may_be_packed_and_have_a_byte_order_mark(tmp_path):
    with gzip.open(tmp_path / "b.csv.gz", "wt", encoding="utf-8-sig") as file:
        file.write("id,kind,prompt,expected,context,facts\n1,summary,p,e,c,f\n")
    assert preprocess.read_files(tmp_path, RAW["data"])[0]["id"] == "1"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"id,kind\n\xe4,1\n"])
def test_what_is_no_csv_file_in_utf8_is_named(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SystemExit, match=r"a\.csv (cannot be read|has no column)"):
        preprocess.read_files(tmp_path, RAW["data"])


def test_no_files_at_all(tmp_path):
    with pytest.raises(SystemExit, match="There is no CSV file in"):
        preprocess.read_files(tmp_path, RAW["data"])


def test_source_table_does_not_fall_back_to_files(tmp_path):
    with pytest.raises(SystemExit, match="There is no table to read"):
        preprocess.read(tmp_path, {**RAW["data"], "source": "table"}, {})


@needs_samples
def test_a_tables_rows_are_read_as_a_files(tmp_path, monkeypatch):
    pandas = pytest.importorskip("pandas")
    import athena_table

    asked = []

    def read(table, columns, folder):
        asked.append((table.name, columns))
        return pandas.DataFrame([{"id": "1", "kind": "summary", "prompt": "p", "expected": "e", "context": None}])

    monkeypatch.setattr(athena_table, "exists", lambda table: table.database == "db")
    monkeypatch.setattr(athena_table, "read", read)
    environment = {"ATHENA_WORKGROUP": "w", "REGION": "eu-west-1", "GLUE_DATABASE": "db", "GLUE_TABLE": "prompts"}
    [row] = preprocess.read(tmp_path, RAW["data"], environment)
    assert row == {"id": "1", "kind": "summary", "prompt": "p", "expected": "e", "context": ""}
    assert asked == [("prompts", ["id", "kind", "prompt", "expected", "context", "facts"])]
    shutil.copytree(ROOT / "data", tmp_path / "input")
    assert len(preprocess.read(tmp_path, RAW["data"], {**environment, "GLUE_DATABASE": "none"})) == 48


@needs_samples
def test_too_many_tokens_stop_before_anything_is_asked():
    items = preprocess.prepare(preprocess.read_files(ROOT / "data", RAW["data"]), RAW, 0)
    with pytest.raises(SystemExit, match=r"limits\.tokens is 10: nothing was asked"):
        estimate.of(items, RAW).require_below(10)


def test_the_uploaded_files_are_all_that_a_step_needs(local, tmp_path):
    """As in SageMaker: /opt/ml/processing with the code's folder beside the inputs."""
    code = source_code.collect(from_environment(ENVIRONMENT), ROOT, CONFIGURATION)
    for name, content in code.files.items():
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shutil.copytree(ROOT / "data", tmp_path / "input")
    for name in local_run.STEPS:
        options = ["--base", tmp_path, "--recorded", ROOT / "data" / "recorded" / "answers.jsonl"]
        command = [sys.executable, tmp_path / "code" / name, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "evaluation" / "evaluation.json").read_text()) == local[1]
    released = (tmp_path / "evaluation" / "configuration.json").read_bytes()
    assert released == code.files["configuration.json"]


def test_nothing_is_started_without_a_model():
    """Before any call of AWS: there are no credentials here."""
    environment = {**ENVIRONMENT, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, ROOT / "run_pipeline.py", "--start", "--wait"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: candidate.model_id in config.toml is empty.")


def test_a_step_without_a_model_ends_in_a_sentence(local):
    done = script("generation/generate.py", local[0])
    assert done.returncode == 1
    assert "candidate.model_id in config.toml is empty." in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_prompt_says_is_not_filled_in_again():
    candidate = {"template": "\n{context}\n{prompt}\n"}
    item = {"prompt": "Say {context}", "context": "see {prompt}"}
    assert prompts.question(candidate, item) == "see {prompt}\nSay {context}"


def test_the_first_call_that_fails_ends_the_step(tmp_path):
    run = step.Step(tmp_path, {"calls": {"concurrency": 2}}, None)
    asked = []

    def fails(record):
        asked.append(record["id"])
        raise SystemExit("Bedrock did not let it answer.")

    with pytest.raises(SystemExit, match="did not let"):
        run.each(fails, [{"id": number} for number in range(200)])
    assert len(asked) < 200


def test_without_data_a_local_run_says_what_to_do(tmp_path):
    with pytest.raises(local_run.StepFailed, match="There is no CSV file in data/ of this repository"):
        local_run.run(tmp_path, tmp_path / "base")
