"""The AWS stand-in: four services by their own protocols, with MiniStack behind them."""
