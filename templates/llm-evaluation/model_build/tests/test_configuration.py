"""config.toml: what is wrong with it ends in a sentence that names the key."""

from pathlib import Path

import pytest

from pipelines.configuration import ConfigurationError, load

EXAMPLE = Path(__file__).parent / "example.toml"
CONFIG = EXAMPLE.read_text()


def changed(folder, old, new):
    assert old in CONFIG
    (folder / "config.toml").write_text(CONFIG.replace(old, new, 1))
    return folder / "config.toml"


def test_the_file_of_this_repository_is_valid():
    configuration = load(Path(__file__).parent.parent / "config.toml")
    assert 0 < configuration.limits.pass_rate <= 1
    assert "{prompt}" in configuration.candidate.template


def test_a_model_is_named_before_anything_is_started(tmp_path):
    """Which models a project may use differs from account to account: none is named for it."""
    with pytest.raises(ConfigurationError, match=r"candidate\.model_id in config\.toml is empty"):
        load(EXAMPLE).require_models()
    one = CONFIG.replace('model_id = ""', 'model_id = "one"', 1)
    (tmp_path / "config.toml").write_text(one)
    with pytest.raises(ConfigurationError, match=r"judge\.model_id"):
        load(tmp_path / "config.toml").require_models()
    (tmp_path / "config.toml").write_text(one.replace('model_id = ""', 'model_id = "two"', 1))
    load(tmp_path / "config.toml").require_models()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("sample = 0\n", "", r"has no data\.sample"),
        ("sample = 0\n", "sample = 0\nsamples = 8\n", r"unknown key, data\.samples"),
        ("sample = 0\n", 'sample = "0"\n', r"data\.sample must be a whole number"),
        ("sample = 0\n", "sample = -1\n", r"data\.sample must be 0 or more"),
        ("sample = 0\n", "sample =\n", "is not TOML"),
        ('source = "auto"', 'source = "glue"', r"data\.source must be one of auto, table, files"),
        ('expected = "expected"', 'expected = ""', "must name columns"),
        ('facts = "facts"', 'facts = "id"', "names a column twice"),
        ("\n{prompt}\n", "\nHello\n", r"candidate\.template must hold \{prompt\}"),
        ("max_tokens = 400", "max_tokens = 0", r"candidate\.inference\.max_tokens must be a whole number"),
        ("max_tokens = 300", "", r"judge\.inference\.max_tokens must be a whole number"),
        ("temperature = 0.0", "temperature = 1.5", "must be numbers from 0 to 1"),
        ("temperature = 0.0", "heat = 0.0", r"candidate\.inference has an unknown key, heat"),
        ("pass_score = 4", "pass_score = 6", r"judge\.pass_score must be from 1 to 5"),
        ("attempts = 2", "attempts = 0", r"judge\.attempts must be from 1 to 5"),
        ("concurrency = 4", "concurrency = 0", r"calls\.concurrency must be from 1 to 50"),
        ('answer = "I do not know. Please ask a colleague."', 'answer = " "', r"baseline\.answer must be a text"),
        ("pass_rate = 0.8", 'pass_rate = "high"', r"limits\.pass_rate must be a number"),
        ("pass_rate = 0.8", "pass_rate = 80", r"limits\.pass_rate must be from 0 to 1"),
        ("judge_output = 0.0", "judge_output = -1.0", "prices must be 0 or more"),
        ("tokens = 500000", "tokens = 0", r"limits\.tokens must be at least 1"),
        ("[limits]", "[limit]", "has no limits"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        load(changed(tmp_path, old, new))


def test_each_kind_needs_criteria_that_are_texts(tmp_path):
    path = changed(tmp_path, 'classification = "The answer', 'classification = ""  # "The answer')
    with pytest.raises(ConfigurationError, match=r"judge\.criteria must be texts"):
        load(path)
