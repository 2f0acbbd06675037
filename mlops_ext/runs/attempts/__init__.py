"""Attempts: the processes in which a claimed job runs, watched from within and from without."""
