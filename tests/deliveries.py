"""What tests of delivering have delivered: the second version of a template to a project's build repository."""

from __future__ import annotations

from custom_resources.delivery.state import RepositoryTemplateProperties

PROPERTIES = RepositoryTemplateProperties(
    repository_id=1,
    repository="acme/build",
    domain_id="d1",
    project_id="p1",
    part="model_build",
    template_archive="b" * 64 + ".zip",
    template_version="v2",
    template_folder="regression/model_build",
)
