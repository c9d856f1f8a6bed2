"""`gashub rules`: read, compare and check a rule pack."""

from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.asking import show as _show
from hub.cli.options import JsonOption

if TYPE_CHECKING:
    from hub.rulepack import RulePack
    from hub.texts import Language

rules_app = typer.Typer(no_args_is_help=True, help="The rule pack: show, diff, check, coverage.")

PackOption = Annotated[
    str, typer.Option("--pack", help="Id, or path of a folder or .toml file; the shipped default.")
]
LangOption = Annotated[str, typer.Option(help="zh or en.")]


@rules_app.command("show")
def show(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(help="Keys, clauses or rule numbers: hold.riser 1.6.1 R19."),
    ] = None,
    pack: PackOption = "",
    lang: LangOption = "zh",
    as_json: JsonOption = False,
) -> None:
    """Show entries with what they say, clause, certainty mark, source and owner."""
    from hub import rules

    _show(rules.shown(_load(pack), wanted or [], _lang(lang)), as_json)


@rules_app.command("diff")
def diff(before: str, after: str, lang: LangOption = "zh", as_json: JsonOption = False) -> None:
    """Say what the second pack says otherwise: stricter, looser, changed, new or gone."""
    from hub import rules

    _show(rules.difference(_load(before), _load(after), _lang(lang)), as_json)


@rules_app.command("check")
def check(pack: Annotated[str, typer.Argument()] = "", as_json: JsonOption = False) -> None:
    """Check a pack: in force, signed off, what is open. Exit 1 if it cannot be used."""
    from hub import rules
    from hub.clock import HubClock, local_day

    read = _load(pack)
    found = list(rules.checked(read, local_day(HubClock().now_us())))
    _show([{"state": one.state, "what": one.what} for one in found], as_json)
    if any(one.state == "broken" for one in found):
        raise typer.Exit(1)


@rules_app.command("coverage")
def coverage(
    pack: PackOption = "",
    write: Annotated[bool, typer.Option("--write", help="Into docs/coverage.md.")] = False,
) -> None:
    """Say of every rule of the regulations what carries it out, or why nothing does."""
    from hub.covering import PAGE, page

    text = page(_load(pack))
    if write:
        if not PAGE.parent.is_dir():
            raise typer.BadParameter(f"{PAGE.parent} is not there; --write is for a checkout")
        PAGE.write_text(text, encoding="utf-8")
    typer.echo(str(PAGE) if write else text)


def _load(name: str) -> "RulePack":
    from hub.errors import ConfigError
    from hub.rulepack import RulePackError, load_pack

    try:
        return load_pack(name or None)
    except RulePackError as wrong:
        raise ConfigError(str(wrong)) from wrong


def _lang(name: str) -> "Language":
    if name not in ("zh", "en"):
        raise typer.BadParameter(f"{name!r} is neither zh nor en")
    return "zh" if name == "zh" else "en"
