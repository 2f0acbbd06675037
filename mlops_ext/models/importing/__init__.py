"""Bringing over what another registry holds: experiments, runs, models and versions of MLflow, once each."""
