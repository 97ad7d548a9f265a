"""Log a run to the project's MLflow, if it has one: parameters, metrics, the model and the commit.

Nothing here can fail the step: without an address, or without an answer, the step says so and goes on.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LOCK = Path(__file__).resolve().parent / "requirements.txt"


def install() -> None:
    """Install the locked client if the image has none. Raises CalledProcessError."""
    if importlib.util.find_spec("mlflow") and importlib.util.find_spec("sagemaker_mlflow"):
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "--only-binary", ":all:", "-r", str(LOCK)], check=True, timeout=300)
    importlib.invalidate_caches()


def log(
    environment: Mapping[str, str], parameters: Mapping[str, object], metrics: Mapping[str, float], model: Path
) -> str:
    """Log one run; return its id, or "" if none was logged."""
    address = environment.get("MLFLOW_TRACKING_URI", "")
    if not address:
        print("MLflow: the project has no tracking server (MLFLOW_TRACKING_URI); this run is not logged.")
        return ""
    try:
        install()
        return _log(address, environment, parameters, metrics, model)
    except Exception as error:
        print(f"MLflow: {address} did not take the run ({type(error).__name__}: {error}). The pipeline goes on.")
        return ""


def _log(
    address: str,
    environment: Mapping[str, str],
    parameters: Mapping[str, object],
    metrics: Mapping[str, float],
    model: Path,
) -> str:
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a server that is away is not waited for
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    import mlflow

    mlflow.set_tracking_uri(address)
    mlflow.set_experiment(environment.get("MLFLOW_EXPERIMENT_NAME") or "model-build")
    commit = environment.get("COMMIT") or "unknown"
    with mlflow.start_run(run_name=commit[:12]) as run:
        mlflow.set_tags({"commit": commit, "mlflow.source.name": "model-build"})
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(metrics))
        mlflow.log_artifact(str(model), artifact_path="model")
        print(f"MLflow: logged the run {run.info.run_id}.")
        return str(run.info.run_id)
