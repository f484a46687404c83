"""What all sections of the settings are made of."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def none_word(value: object) -> object:
    """Reads the word none, since TOML has no such value."""
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


def identifier(value: str) -> str:
    """Checks the name of a table or column; statements quote it, so that all but control characters may be in it."""
    if not value or any(ord(character) < 32 for character in value):
        raise ValueError(f"{value!r} is not a name: it is empty, or has control characters in it")
    return value


Identifier = Annotated[str, BeforeValidator(identifier)]
OptionalName = Annotated[Identifier | None, BeforeValidator(none_word)]
Bound = Annotated[float | None, Field(ge=0, le=1_000_000), BeforeValidator(none_word)]


def property_name(value: str) -> str:
    """Checks the name of a property, as it goes into a path in JSON."""
    if not re.fullmatch(r"[\w$. -]+", value):
        raise ValueError(f"{value!r} is no property's name: letters, digits, _, $, ., - and blanks only")
    return value


PropertyName = Annotated[str, BeforeValidator(property_name)]


class Frozen(BaseModel):
    """A section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
