"""The AWS stand-in: DataZone, SageMaker and Service Catalog by their own protocols, with MiniStack behind them."""

from standins.aws.server import AwsStandIn

__all__ = ["AwsStandIn"]
