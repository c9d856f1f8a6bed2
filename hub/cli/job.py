"""Commands for whole jobs and the register of staff."""

import json
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.asking import ask, show, text_of
from hub.cli.options import CONFIG, ConfigOption, JsonOption
from hub.errors import CommandRefused

job_app = typer.Typer(no_args_is_help=True, help="Whole jobs: steps, interlocks, hazards.")
staff_app = typer.Typer(no_args_is_help=True, help="The register of staff and certificates.")

PIECE = 512 << 10
ByOption = Annotated[str, typer.Option("--by", help="Staff id of whoever does it.")]
FileOption = Annotated[
    list[str] | None,
    typer.Option("--file", help="QUESTION=PATH: a photo, scan or signature; repeatable."),
]


@job_app.command("open")
def job_open(
    file: Path,
    by: ByOption = "operator",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Give the hub an order for a job; docs/jobs.md has its form. Exit 1 when it is refused."""
    _tell(ask(config, "job.open", text=text_of(file), by=by), as_json)


@job_app.command("list")
def job_list(
    kind: Annotated[str, typer.Option(help="Only jobs of this kind.")] = "",
    running: Annotated[bool, typer.Option("--running", help="Only those that run.")] = False,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the jobs, newest first."""
    from hub.config import load_config
    from hub.looking import jobs

    show(jobs(load_config(config).hub.state_dir, kind=kind, running=running), as_json)


@job_app.command("show")
def job_show(
    number: str, by: ByOption = "", config: ConfigOption = CONFIG, as_json: JsonOption = False
) -> None:
    """Show where a job stands: what is done, what may be done now, and why the rest may not."""
    shown = ask(config, "job.show", number=number, by=by)
    if as_json or not sys.stdout.isatty():
        show(shown, as_json=True)
        return
    from hub.config import load_config
    from hub.job_screen import print_job

    print_job(shown, load_config(config).hub.language)


@job_app.command("do")
def job_do(
    number: str,
    step: str,
    answers: Annotated[
        list[str] | None,
        typer.Argument(
            help="QUESTION=ANSWER; of a checklist items.I9=not_ok, items.I9.hazard=L2-3."
        ),
    ] = None,
    by: ByOption = "",
    file: FileOption = None,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Do a step of a job. Exit 1 when the regulations refuse it, with the clause."""
    given = _answers(answers or [])
    for pair in file or []:
        question, _, path = pair.partition("=")
        if not question or not path:
            raise CommandRefused(f"--file {pair!r}: expected QUESTION=PATH, such as photo=vent.jpg")
        _put(given, question, upload(config, Path(path)))
    _tell(ask(config, "job.do", number=number, step=step, by=_named(by), answers=given), as_json)


@job_app.command("guide")
def job_guide(number: str, by: ByOption = "", config: ConfigOption = CONFIG) -> None:
    """Be led through a job, one question at a time."""
    from hub.config import load_config
    from hub.job_guide import guide

    def here(do: str, /, **arguments: Any) -> Any:
        return ask(config, do, **arguments)

    who = _named(by)
    lang = load_config(config).hub.language
    guide(here, number, who, lang, lambda path: upload(config, path))


@job_app.command("signal")
def job_signal(
    number: str,
    signal: Annotated[str, typer.Argument(help="Such as abnormal_pressure, accident.")],
    by: ByOption = "",
    detail: Annotated[str, typer.Option(help="What is there to see; no names.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say that something has happened to a job; whoever must know is told at once."""
    _tell(
        ask(config, "job.signal", number=number, signal=signal, by=_named(by), detail=detail),
        as_json,
    )


@job_app.command("waive")
def job_waive(
    number: str,
    notice: Annotated[str, typer.Argument(help="Step that is the notice, such as notice_48h.")],
    by: ByOption = "",
    second: Annotated[str, typer.Option(help="Staff id of the second person.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Two persons, one of them a supervisor, let a notice be. Nothing releases a test."""
    _tell(
        ask(
            config,
            "job.waive",
            number=number,
            notice=notice,
            by=_named(by),
            second=second,
            reason=reason,
        ),
        as_json,
    )


@job_app.command("adopt")
def job_adopt(
    number: str,
    step: str,
    verdict: Annotated[str, typer.Argument(help="Verdict or attempt id of another job's PASS.")],
    by: ByOption = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Let a PASS of another job on the same section serve, such as a riser's."""
    _tell(
        ask(config, "job.adopt", number=number, step=step, verdict=verdict, by=_named(by)), as_json
    )


@job_app.command("test")
def job_test(
    number: str,
    step: str,
    file: Annotated[Path, typer.Argument(help="Judge contract without number and procedure.")],
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Order a test that a job has none for, such as the re-check of a hazard."""
    _tell(ask(config, "job.test", number=number, step=step, text=text_of(file)), as_json)


@staff_app.command("put")
def staff_put(
    id: Annotated[str, typer.Argument(help="Staff id; no name.")],
    certificate: Annotated[
        list[str] | None, typer.Option(help="ROLE=NUMBER:YYYY-MM-DD (last valid day); repeatable.")
    ] = None,
    supervisor: Annotated[bool, typer.Option(help="May decide and let go on.")] = False,
    hired: Annotated[str, typer.Option(help="Day of hiring, YYYY-MM-DD.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Put somebody into the register, or say anew what they hold."""
    held = {}
    for text in certificate or []:
        role, _, rest = text.partition("=")
        number, _, until = rest.rpartition(":")
        held[role] = {"number": number, "until": until}
    record: dict[str, Any] = {"id": id, "supervisor": supervisor, "certificates": held}
    if hired:
        record["hired"] = hired
    show(ask(config, "staff.put", text=json.dumps(record)), as_json)


@staff_app.command("list")
def staff_list(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """List the register: ids, certificates, who is a supervisor."""
    from hub.config import load_config
    from hub.looking import staff

    show(staff(load_config(config).hub.state_dir), as_json)


def upload(config: Path, path: Path) -> str:
    """Hand a file over in pieces; its SHA-256."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise CommandRefused(f"{path}: cannot be read: {fault.strerror}") from fault
    if not data:
        raise CommandRefused(f"{path}: is empty; give the file itself")
    digest = sha256(data).hexdigest()
    for offset in range(0, len(data), PIECE):
        answer = ask(
            config,
            "file.put",
            sha256=digest,
            size=str(len(data)),
            offset=str(offset),
            base64=b64encode(data[offset : offset + PIECE]).decode(),
        )
        if answer["whole"]:
            break
    return digest


def _named(by: str) -> str:
    if not by:
        raise CommandRefused("who does it? Give a staff id with --by; see `gashub staff list`")
    return by


def _answers(pairs: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for pair in pairs:
        question, sign, answer = pair.partition("=")
        if not sign or not question:
            raise CommandRefused(f"{pair!r}: expected QUESTION=ANSWER")
        _put(given, question, answer)
    return given


def _put(given: dict[str, Any], question: str, answer: str) -> None:
    """`items.I9=not_ok` and `items.I9.hazard=L2-3` into tables in tables."""
    name, *inside = question.split(".")
    if not inside:
        given[name] = answer
        return
    items = given.setdefault(name, {})
    item = items.setdefault(inside[0], {})
    item[inside[1] if len(inside) > 1 else "result"] = answer


def _tell(answer: Any, as_json: bool) -> None:
    """Show an answer; what was refused goes to stderr with its clauses, and exit 1. So does what is
    to be known of a step that was done, with exit 0.
    """
    if as_json or answer.get("done", True):
        plain = as_json or not sys.stdout.isatty()
        spoken = () if plain else ("notes", "refusals")  # which are said in words below
        show({name: one for name, one in answer.items() if name not in spoken}, as_json)
    told = answer.get("notes", []) if answer.get("done", True) else answer["refusals"]
    if not as_json:
        for one in told:
            typer.echo(f"{one['text']['zh']}\n  {one['text']['en']}", err=True)
    if not answer.get("done", True):
        raise typer.Exit(1)
