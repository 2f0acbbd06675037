"""Performance: what versions predicted, which labels came, and how well they did."""
