"""MLflow: what is logged, and that nothing about it stops a step."""

import sys
import types
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import tracking


class Recorded(types.ModuleType):
    """An MLflow that keeps what it is told."""

    def __init__(self):
        super().__init__("mlflow")
        self.calls = {}

    def __getattr__(self, name):
        def record(*values, **named):
            self.calls[name] = (*values, *named.values())

        return record

    @contextmanager
    def start_run(self, run_name):
        self.calls["start_run"] = (run_name,)
        yield SimpleNamespace(info=SimpleNamespace(run_id="r1"))


ADDRESS = "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-app/a1"


def test_a_run_has_parameters_metrics_model_and_commit(monkeypatch):
    mlflow = Recorded()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setattr(tracking, "install", lambda: None)
    environment = {"MLFLOW_TRACKING_URI": ADDRESS, "COMMIT": "abc", "MLFLOW_EXPERIMENT_NAME": "studio-p1-models"}
    assert tracking.log(environment, {"eta": 0.1}, {"error": 2.1}, Path("model.tar.gz")) == "r1"
    assert mlflow.calls["set_tracking_uri"] == (ADDRESS,)
    assert mlflow.calls["set_experiment"] == ("studio-p1-models",)
    assert mlflow.calls["log_params"] == ({"eta": 0.1},)
    assert mlflow.calls["log_metrics"] == ({"error": 2.1},)
    assert mlflow.calls["log_artifact"] == ("model.tar.gz", "model")
    assert mlflow.calls["set_tags"][0]["commit"] == "abc"


def test_without_an_address_nothing_is_installed_or_logged(monkeypatch, capsys):
    monkeypatch.setattr(tracking, "install", lambda: 1 / 0)
    assert tracking.log({}, {}, {}, Path("m")) == ""
    assert "has no tracking server" in capsys.readouterr().out


def test_a_server_that_does_not_answer_stops_nothing(monkeypatch, capsys):
    def fails():
        raise ConnectionError("no route")

    monkeypatch.setattr(tracking, "install", fails)
    assert tracking.log({"MLFLOW_TRACKING_URI": ADDRESS}, {}, {}, Path("m")) == ""
    assert "did not take the run (ConnectionError: no route). The pipeline goes on." in capsys.readouterr().out
