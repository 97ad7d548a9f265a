"""The project's SageMaker pipeline: its settings, its definition, and how it is started."""

NAME = "batch"


def pipeline_name(project_id: str) -> str:
    """Return the SageMaker pipeline's name. It begins as the names do that the project's roles may use."""
    return f"studio-{project_id}-{NAME}"
