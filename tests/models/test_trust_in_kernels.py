"""What only a notebook holds, registered from a real kernel and loaded in another process."""

from __future__ import annotations

import pandas as pd
import pytest

from mlops_ext.models import service
from mlops_ext.models.edge import load_model
from mlops_ext.models.flavors import UntrustedModel
from mlops_ext.models.types import ShowVersion
from mlops_ext.workspace import Workspace
from tests.tracking.kernels import kernel

pytestmark = pytest.mark.sqlite

X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, 1.0]})
DEFINE = """
import mlops_ext as mlops, numpy as np, pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

SHIFT = 3

class Clip(BaseEstimator, TransformerMixin):
    def __init__(self, top=2.0):
        self.top = top
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        return np.minimum(X, self.top + SHIFT)

def squared(X):
    return X ** 2
"""
REGISTER = """
X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, 1.0]})
steps = FunctionTransformer(lambda X: X + SHIFT), FunctionTransformer(squared), FunctionTransformer(np.log1p), Clip()
model = make_pipeline(*steps, LogisticRegression()).fit(X, [0, 0, 1, 1])
mlops.register(model, "delay", example=X, inputs=[])
print(*model.predict_proba(X)[:, 1].tolist())
"""


def test_a_pipeline_of_a_notebooks_own_parts_loads_elsewhere_with_the_names_that_the_refusal_gives(
    workspace: Workspace,
) -> None:
    with kernel() as cells:
        assert cells.run(DEFINE)["status"] == "ok"
        reply = cells.run(REGISTER)
        assert reply["status"] == "ok", reply["text"]
    version = workspace.call(service.version, ShowVersion(model="delay"))
    assert version.scan is not None
    assert version.scan.verdict == "unsafe"
    assert {each.name for each in version.scan.findings} == set(version.trust)
    with pytest.raises(UntrustedModel) as refused:
        load_model("delay", workspace=workspace)
    assert f"trust={sorted(version.trust)}" in refused.value.hint
    with pytest.raises(UntrustedModel, match=version.trust[0].replace(".", r"\.")):
        load_model("delay", trust=version.trust[1:], workspace=workspace)
    loaded = load_model("delay", trust=version.trust, workspace=workspace)
    predicted = [float(text) for text in reply["text"].splitlines()[-1].split()]
    assert loaded.predict_proba(X)[:, 1].tolist() == predicted
