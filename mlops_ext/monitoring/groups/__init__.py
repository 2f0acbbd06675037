"""Groups of rows: how a model treats them, where it does worst, and which of them moved a metric."""
