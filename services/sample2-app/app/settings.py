"""What the environment's variables tell sample2-app, checked once at start."""

import json
import sys
from typing import Annotated, Literal

from fastapi import Depends, Request
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICE = "sample2-app"


class Settings(BaseSettings):
    """The configuration; a field's variable has its name in capitals.

    Descriptions say what is allowed: they are what an operator reads who set something else.
    """

    model_config = SettingsConfigDict(frozen=True)

    port: int = Field(8000, ge=1, le=65535, description="a whole number from 1 to 65535")
    app_env: str = Field(
        "production",
        pattern=r"^[A-Za-z0-9._-]{1,63}$",
        description="1 to 63 letters, digits, dots, dashes and underscores",
    )
    app_version: str = Field(
        "unknown", pattern=r"^[\x20-\x7e]{1,128}$", description="1 to 128 printable characters"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error"
    )
    drain_seconds: float = Field(3, ge=0, le=60, description="a number from 0 to 60")


def load_or_exit() -> Settings:
    """Read the settings; end the process with one line and code 2 if one is not allowed."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        allowed = Settings.model_fields[name].description
        value = json.dumps(first["input"])
        print(f"{name.upper()} is {value}: allowed is {allowed}.", file=sys.stderr)
        raise SystemExit(2) from error


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


CurrentSettings = Annotated[Settings, Depends(_settings)]
