"""The shipped templates' own code, for tests that hold the product and its templates together."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from products.settings import PROJECT_ROOT


def template_code() -> ModuleType:
    """Return the build repository's own module that computes where files go."""
    path = PROJECT_ROOT / "templates/regression/model_build/pipelines/project.py"
    specification = importlib.util.spec_from_file_location("build_repository_project", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module
