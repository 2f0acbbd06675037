"""Regulatory profiles as files: which evidence a rule book asks for, how fresh, and how long events keep their data.

They lie in the folder `profiles`. A profile never says that anything is compliant: that is for people to judge.
"""

from __future__ import annotations

from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlops_ext.errors import NotFound, did_you_mean
from mlops_ext.settings import explain, parse_toml

__all__ = ["Duty", "Profile", "installed_profiles", "read_profile"]


class Duty(BaseModel):
    """One piece of evidence that a profile asks for.

    Attributes
    ----------
    rule : str
        Where the rule book asks for it, such as `Annex IV 2(g)`.
    needs : str
        Name of the evidence, as `facts.py` knows it.
    about : str
        What is asked for, in a few words.
    max_age_days : int
        Older evidence is stale; 0 for never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: str
    needs: str
    about: str
    max_age_days: int = Field(default=0, ge=0)


class Profile(BaseModel):
    """What one rule book asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    title: str
    note: str = ""
    retention_days: int = Field(default=0, ge=0)
    duties: tuple[Duty, ...] = ()


def installed_profiles() -> list[str]:
    """Give the names of all profiles."""
    folder = files(__package__) / "profiles"
    return sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))


def read_profile(name: str) -> Profile:
    """Read a profile.

    Raises
    ------
    NotFound
        There is none of that name; the nearest is suggested.

    Examples
    --------
    >>> read_profile("none").duties
    ()
    """
    if name not in installed_profiles():
        raise NotFound(f"no profile {name!r}", hint=did_you_mean(name, installed_profiles()))
    text = (files(__package__) / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    try:
        return Profile.model_validate(parse_toml(text, name))
    except ValidationError as error:
        raise explain(error, name, text, Profile) from error
