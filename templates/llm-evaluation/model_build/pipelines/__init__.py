"""The project's SageMaker pipeline: its settings, its definition, and how it is started."""

import sys
from pathlib import Path

# The prompts and the estimate are the steps' own: source_scripts/bedrock.
BEDROCK = Path(__file__).resolve().parent.parent / "source_scripts" / "bedrock"
if str(BEDROCK) not in sys.path:
    sys.path.append(str(BEDROCK))

NAME = "llm-evaluation"


def pipeline_name(project_id: str) -> str:
    """Return the SageMaker pipeline's name. It begins as the names do that the project's roles may use."""
    return f"studio-{project_id}-{NAME}"
