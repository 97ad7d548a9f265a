"""The cloud assembly: all stacks from settings and published versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import App, PermissionsBoundary, Tags
from jsii.errors import JavaScriptError

from products.errors import TemplateChanged
from products.foundation import FOUNDATION_STACK, PORTFOLIO_STACK, FoundationStack
from products.layers import raise_build_failure
from products.portfolio import LaunchingStack, PortfolioStack
from products.settings import Settings
from products.studio import STUDIO_STACK, OfferedProduct, StudioStack
from products.versions import Version, check_prefix

STACK_TAG = "studio-mlops:stack"


def build_app(
    settings: Settings,
    versions: Sequence[Version],
    versions_directory: Path,
    outdir: str,
    context: Mapping[str, Any],
) -> App:
    """Return the app with its stacks, not yet synthesized. `versions` are sorted, oldest first, at least one."""
    app = App(outdir=outdir, context=dict(context), analytics_reporting=False)
    boundary = {"permissions_boundary": PermissionsBoundary.from_arn(settings.boundary)} if settings.boundary else {}
    foundation = FoundationStack(
        app,
        FOUNDATION_STACK,
        settings=settings,
        description="What launches of the SageMaker Unified Studio project template run on",
        **boundary,
    )
    _product_stacks(app, foundation, settings, versions, versions_directory, **boundary)
    Tags.of(app).add(STACK_TAG, settings.prefix)
    return app


def _product_stacks(
    app: App,
    foundation: FoundationStack,
    settings: Settings,
    versions: Sequence[Version],
    versions_directory: Path,
    **boundary: Any,
) -> None:
    """Add what offers the product, or in an account that it is only shared with what launches need there."""
    offered: dict[str, Any] = {
        "settings": settings,
        "versions": versions,
        "versions_directory": versions_directory,
        **boundary,
    }
    if settings.portfolio.launches_only:
        LaunchingStack(
            app, PORTFOLIO_STACK, description="What launches of the shared project template need here", **offered
        ).add_stack_dependency(foundation)
        return
    portfolio = PortfolioStack(
        app,
        PORTFOLIO_STACK,
        description="The Service Catalog portfolio of the SageMaker Unified Studio project template",
        **offered,
    )
    portfolio.add_stack_dependency(foundation)
    if StudioStack.wanted(settings):
        StudioStack(
            app,
            STUDIO_STACK,
            settings=settings,
            foundation=foundation,
            product=OfferedProduct(
                portfolio.portfolio.portfolio_id, portfolio.product.product_id, versions[-1].version
            ),
            description="How SageMaker Unified Studio launches the project template",
            **boundary,
        ).add_stack_dependency(portfolio)


def write_assembly(
    settings: Settings,
    versions: Sequence[Version],
    versions_directory: Path,
    outdir: str,
    context: Mapping[str, Any],
) -> None:
    """Synthesize. Raises TemplateChanged when a published version would become another, LayerBuildFailed."""
    try:
        build_app(settings, versions, versions_directory, outdir, context).synth()
    except (JavaScriptError, RuntimeError) as error:
        raise_build_failure()
        if "Template has changed for ProductStack Version" not in str(error):
            raise
        newest = versions[-1].version
        snapshot = next(versions_directory.glob(f"*.{newest}.product.template.json"), None)
        if snapshot:
            check_prefix(settings.prefix, newest, snapshot)
        raise TemplateChanged(version=newest, snapshot=snapshot) from None
