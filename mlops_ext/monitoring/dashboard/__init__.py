"""Dashboards: how a model does at a glance, and every figure of it, for notebook, panel and page alike."""
