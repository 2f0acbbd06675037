"""The papermill engine `mlops`: it executes the cells, records the run, and says truly what happened to each cell.

papermill imports every engine when it is imported itself, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

from papermill.engines import Engine

__all__ = ["MlopsEngine"]


class MlopsEngine(Engine):  # type: ignore[misc]
    """Usable as `papermill --engine mlops in.ipynb out.ipynb -p month 2`."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Name the kernel: the one asked for, the notebook's, else this Python."""
        return str(name or nb.metadata.get("kernelspec", {}).get("name") or "python3")

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Name the language: the one asked for, the notebook's, else Python."""
        metadata = nb.metadata
        named = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
        return str(language or named or "python")

    @classmethod
    def execute_notebook(
        cls, nb: Any, kernel_name: str, output_path: str | None = None, mlops_plan: Any = None, **options: Any
    ) -> Any:
        """Run a notebook as a tracked run and give it back executed.

        Parameters
        ----------
        nb : NotebookNode
            With its parameters injected.
        mlops_plan : Plan, optional
            What a job says of its run; made from papermill's arguments when left out.
        """
        from mlops_ext.runs.execution.recording import Plan, record

        plan = mlops_plan or Plan.of_command(nb, output_path, options.pop("input_path", None))
        options.pop("input_path", None)
        language = cls.nb_language(nb).lower()
        return record(plan, nb, kernel_name, language, options)
