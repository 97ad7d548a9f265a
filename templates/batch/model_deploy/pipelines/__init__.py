"""The pipeline that scores rows with the deployed model: its settings, its definition, and how it is started."""

NAME = "scoring"
TRIAL = "scoring-trial"  # scores the rows whose answers are known, before a model scores others


def pipeline_name(project_id: str, name: str = NAME) -> str:
    """Return the SageMaker pipeline's name. It begins as the names do that the project's roles may use."""
    return f"studio-{project_id}-{name}"
