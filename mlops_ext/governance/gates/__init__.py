"""The gates that come with the package, in files by what they look at."""

from mlops_ext.governance.gates.behaviour import baselines, calibration, fairness
from mlops_ext.governance.gates.expectations import expectations
from mlops_ext.governance.gates.gain import improvement
from mlops_ext.governance.gates.recorded import in_order, lineage, max_age, metric, schema, signature, time_split

__all__ = [
    "baselines",
    "calibration",
    "expectations",
    "fairness",
    "improvement",
    "in_order",
    "lineage",
    "max_age",
    "metric",
    "schema",
    "signature",
    "time_split",
]
