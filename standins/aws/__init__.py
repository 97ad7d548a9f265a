"""The AWS stand-in: DataZone, SageMaker and Service Catalog by their own protocols, with MiniStack behind them."""
