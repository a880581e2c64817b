"""Errors in the command line, in imagewise's words: Typer's differ from version to version, and quote pydantic's."""

from __future__ import annotations

import re
from typing import Any

import typer

from imagewise.errors import did_you_mean

# Some versions of Typer raise Click's exceptions, others a copy of them; `typer.BadParameter` is public in both cases
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def usage_message(error: Exception, command: str) -> str:
    """One or two sentences: the option or argument, what is wrong with it, and where the help is.

    Args:
        error: a `UsageError`.
        command: the command that was being parsed, such as `imagewise train`.
    """
    context = getattr(error, "ctx", None)
    return f"{_sentence(error)} See `{context.command_path if context else command} --help`."


def is_help(error: Exception) -> bool:
    """Whether the error is that no command was given; its message is the help text."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _sentence(error: Any) -> str:
    match type(error).__name__:
        case "MissingParameter":
            return f"{_name(error.param)} is missing.{_choices(error)}"
        case "BadParameter":
            name = _name(error.param)
            return f"{name}: {_reason(error)}" if name else _reason(error)
        case "NoSuchOption":
            hint = did_you_mean(error.option_name, error.possibilities or ())
            return f"there is no option {error.option_name}.{hint}"
        case "BadOptionUsage":
            takes_none = "not take a value" in error.message
            return f"{error.option_name} {'takes no value' if takes_none else 'needs a value'}."
    message = str(error.message)
    if found := re.match("No such command '(.*?)'", message, re.DOTALL):
        return f"there is no command {found[1]!r}.{did_you_mean(found[1], getattr(error.ctx.command, 'commands', ()))}"
    if found := re.match(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message, re.DOTALL):
        return f"{found[1]}: unexpected argument."
    return message.rstrip(".") + "."


def _name(parameter: Any) -> str:
    """`--epochs` or `DATA`; nothing if the error is of no single parameter."""
    if parameter is None:
        return ""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name)
    return str(max(parameter.opts, key=len))


def _choices(error: Any) -> str:
    for attribute in ("type_descriptor", "type"):  # of new and of old versions of Typer
        kind = getattr(error.param, attribute, None)
        if choices := getattr(kind, "choices", None):
            return f" Choose one of {', '.join(choices)}."
    return ""


def _reason(error: Any) -> str:
    """The reason from pydantic's error code, if Typer has checked the value by pydantic."""
    found = getattr(error.__cause__, "errors", None)
    if found is None:
        return str(error.message).rstrip(".") + "."
    first = found()[0]
    given, limits = first["input"], first.get("ctx", {})
    match first["type"]:
        case "value_error":
            return str(limits["error"]).rstrip(".") + "."
        case "greater_than_equal":
            return f"{given} is too small; use at least {limits['ge']}."
        case "less_than_equal":
            return f"{given} is too large; use at most {limits['le']}."
        case str(kind) if kind.startswith("int_"):
            return f"{given!r} is not a whole number."
        case str(kind) if kind.startswith("float_"):
            return f"{given!r} is not a number."
    return f"{given!r} is not a valid value."
