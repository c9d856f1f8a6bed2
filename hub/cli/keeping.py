"""Commands for how long jobs are kept, and for one person's data."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.asking import ask, show
from hub.cli.options import CONFIG, ConfigOption, JsonOption

retention_app = typer.Typer(no_args_is_help=True, help="How long jobs are kept, and how they go.")
personal_app = typer.Typer(no_args_is_help=True, help="What is kept of one customer.")


@retention_app.command("list")
def retention_list(
    due: Annotated[bool, typer.Option("--due", help="Only those that may go now.")] = False,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the jobs that have ended, with the last day on which each must be kept, and why."""
    from hub.config import load_config
    from hub.foreman.keeping import kept_jobs

    show(kept_jobs(load_config(config).hub.state_dir, due=due), as_json)


@retention_app.command("hold")
def retention_hold(
    number: str,
    by: Annotated[str, typer.Option(help="Who holds it.")],
    reason: Annotated[str, typer.Option(help="Why, such as a lawsuit; empty lets it go.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Keep a job whatever its age."""
    show(ask(config, "retention.hold", number=number, by=by, reason=reason), as_json)


@retention_app.command("erase")
def retention_erase(
    numbers: Annotated[list[str], typer.Argument(help="Jobs whose time is over.")],
    approved_by: Annotated[str, typer.Option(help="Name of whoever approved it.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    what: Annotated[
        str, typer.Option(help="personal: customer and pictures; all: the job's entries too.")
    ] = "personal",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Erase jobs for good, all of them or none. Export their evidence first if it is to stay."""
    answer = ask(
        config,
        "retention.erase",
        numbers=numbers,
        what=what,
        approved_by=approved_by,
        reason=reason,
    )
    show(answer, as_json)


@personal_app.command("export")
def personal_export(
    user_no: Annotated[str, typer.Option(help="User number.")] = "",
    subject: Annotated[str, typer.Option(help="Or the pseudonym.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write it there; else to stdout.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Everything that is kept of one customer, as JSON: for whoever asks for their own data."""
    from hub.config import load_config
    from hub.foreman.keeping import data_of

    found = data_of(load_config(config).hub.state_dir, user_no=user_no, subject=subject)
    text = json.dumps(found, ensure_ascii=False, indent=2)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        out.chmod(0o600)
