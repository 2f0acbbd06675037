"""Remotes: stores beside the workspace's own, in a folder or behind any URL of fsspec, to send to and fetch from."""
