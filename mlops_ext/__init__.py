"""MLOps inside JupyterLab: snapshot data, register models, retrain, watch drift, without leaving the notebook."""
