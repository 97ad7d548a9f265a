"""The cloud assembly: all stacks from settings and published versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import App, Environment, PermissionsBoundary, Tags
from jsii.errors import JavaScriptError

from products.errors import PlaceNotChosen, TemplateChanged
from products.foundation import FOUNDATION_STACK, PORTFOLIO_STACK, FoundationStack
from products.functions import in_own_account
from products.layers import raise_build_failure
from products.portfolio import LaunchingStack, PortfolioStack
from products.settings import Settings
from products.studio import STUDIO_ACCOUNT_STACK, STUDIO_STACK, OfferedProduct, StudioAccountStack, StudioStack
from products.studio.domain import domain_stacks
from products.versions import TEMPLATE_FILE, Version, changed_settings, check_prefix, rendered

STACK_TAG = "studio-mlops:stack"


def build_app(
    settings: Settings,
    versions: Sequence[Version],
    versions_directory: Path,
    outdir: str,
    context: Mapping[str, Any],
) -> App:
    """Return the app with its stacks, not yet synthesized. `versions` are sorted, oldest first, at least one.

    With several accounts it is the app of one place: `settings.at(place)`. Raises PlaceNotChosen.
    """
    if settings.has_accounts and settings.place is None:
        raise PlaceNotChosen(places=", ".join(map(str, settings.places)))
    app = App(outdir=outdir, context=dict(context), analytics_reporting=False)
    common = _common(settings)
    if settings.place and settings.place.is_domain:
        domain_stacks(app, settings, versions[-1].version, **common)
    else:
        foundation = FoundationStack(
            app,
            FOUNDATION_STACK,
            settings=settings,
            description="The functions and storage of the SageMaker Unified Studio project template",
            **common,
        )
        _product_stacks(app, foundation, settings, versions, versions_directory, **common)
    Tags.of(app).add(STACK_TAG, settings.prefix)
    return app


def _common(settings: Settings) -> dict[str, Any]:
    """Return what all stacks are made with: the boundary, and the account and region where the settings name them."""
    common: dict[str, Any] = {}
    if settings.boundary:
        common["permissions_boundary"] = PermissionsBoundary.from_arn(in_own_account(settings, settings.boundary))
    if settings.place:
        common["env"] = Environment(account=settings.place.account, region=settings.place.region)
    return common


def _product_stacks(
    app: App,
    foundation: FoundationStack,
    settings: Settings,
    versions: Sequence[Version],
    versions_directory: Path,
    **common: Any,
) -> None:
    """Add what offers the product, or in an account that it is only shared with what launches need there."""
    offered: dict[str, Any] = {
        "settings": settings,
        "versions": versions,
        "versions_directory": versions_directory,
        **common,
    }
    if settings.portfolio.launches_only:
        LaunchingStack(
            app,
            PORTFOLIO_STACK,
            description="The launch role of the shared project template in this account",
            **offered,
        ).add_stack_dependency(foundation)
        return
    portfolio = PortfolioStack(
        app,
        PORTFOLIO_STACK,
        description="The Service Catalog portfolio of the SageMaker Unified Studio project template",
        **offered,
    )
    portfolio.add_stack_dependency(foundation)
    stack = _studio_stack(settings)
    if stack:
        kind, name = stack
        kind(
            app,
            name,
            settings=settings,
            foundation=foundation,
            product=OfferedProduct(
                portfolio.portfolio.portfolio_id, portfolio.product.product_id, versions[-1].version
            ),
            description="The integration of the project template with SageMaker Unified Studio",
            **common,
        ).add_stack_dependency(portfolio)


def _studio_stack(settings: Settings) -> tuple[type[StudioStack | StudioAccountStack], str] | None:
    """Return the stack by which Studio launches the product here, and its name."""
    if settings.place:
        return StudioAccountStack, STUDIO_ACCOUNT_STACK
    return (StudioStack, STUDIO_STACK) if StudioStack.wanted(settings) else None


def write_assembly(
    settings: Settings,
    versions: Sequence[Version],
    versions_directory: Path,
    outdir: str,
    context: Mapping[str, Any],
) -> None:
    """Synthesize; write nothing but `outdir`. Raises TemplateChanged when a published version would become another,
    LayerBuildFailed.
    """
    try:
        build_app(settings, versions, versions_directory, outdir, context).synth()
    except (JavaScriptError, RuntimeError):
        raise_build_failure()
        raise
    made = product_template(Path(outdir))
    if made:
        _require_unchanged(settings, versions[-1].version, versions_directory, made)


def product_template(outdir: Path) -> Path | None:
    """Return the newest version's product template in a cloud assembly, None where no product is offered."""
    return next(outdir.glob(f"*MlopsProject*.{TEMPLATE_FILE}"), None)


def _require_unchanged(settings: Settings, version: str, versions_directory: Path, made: Path) -> None:
    """Compare what was rendered with what was published. Raises TemplateChanged, PrefixChanged."""
    published = rendered(versions_directory, version)
    if published is None or published.read_bytes() == made.read_bytes():
        return
    check_prefix(settings.prefix, version, published)
    changed = changed_settings(versions_directory, version, settings.model_dump(mode="json"))
    raise TemplateChanged(version=version, changed=", ".join(changed) or "the product's code", snapshot=published)
