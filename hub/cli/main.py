"""`gashub`: everything an operator can do, from one command.

Heavy parts are imported by the command that needs them, so that `gashub status` answers at once
on a small box and the running hub does not carry the terminal library.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli import author, entering, evidence, inbound, records, site
from hub.cli.asking import ask as _ask
from hub.cli.asking import show as _show
from hub.cli.asking import text_of
from hub.cli.contract import contract_app
from hub.cli.filing import filing_app
from hub.cli.job import job_app, staff_app
from hub.cli.keeping import personal_app, retention_app
from hub.cli.options import CONFIG, ConfigOption, JsonOption
from hub.cli.reconcile import reconcile_app
from hub.cli.rules import rules_app
from hub.errors import CommandRefused

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Integration hub for gas instruments: judged, provable, delivered.",
)
order_app = typer.Typer(no_args_is_help=True, help="Work orders and their attempts.")
ledger_app = typer.Typer(no_args_is_help=True, help="The record: verify, export, head.")
outbox_app = typer.Typer(no_args_is_help=True, help="What waits for the CRM and the authority.")
app.add_typer(order_app, name="order")
app.add_typer(ledger_app, name="ledger")
app.add_typer(outbox_app, name="outbox")
app.add_typer(reconcile_app, name="reconcile")
app.add_typer(rules_app, name="rules")
app.add_typer(job_app, name="job")
app.add_typer(staff_app, name="staff")
app.add_typer(inbound.token_app, name="token")
app.add_typer(filing_app, name="filing")
app.add_typer(retention_app, name="retention")
app.add_typer(personal_app, name="personal")
app.add_typer(evidence.evidence_app, name="evidence")
app.add_typer(contract_app, name="contract")
app.add_typer(site.frames_app, name="frames")


@app.command()
def run(config: Annotated[Path, typer.Argument()] = CONFIG) -> None:
    """Run the hub until it is told to stop (SIGTERM, Ctrl-C)."""
    from hub.service import serve

    raise typer.Exit(serve(config))


@app.command()
def check(config: Annotated[Path, typer.Argument()] = CONFIG) -> None:
    """Check a config with its plugins and rule pack, without touching a port.

    Warnings go to stderr: what may stand there, and is probably not meant. Exit 2 for faults.
    """
    from hub.clock import HubClock
    from hub.config import load_config
    from hub.doubts import look_over
    from hub.inbox.serving import inboxes

    summary, warnings = look_over(config)
    inboxes(load_config(config), HubClock())
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(summary)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path(
        "demo-out"
    ),
    factor: Annotated[float, typer.Option(help="How much faster than real the clock runs.")] = 24.0,
    keep: Annotated[bool, typer.Option(help="Leave it running until Ctrl-C.")] = False,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    instruments: Annotated[
        bool, typer.Option("--instruments", help="Instead: one of every instrument, in a table.")
    ] = False,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="Instead: whole jobs of the regulations, to their end.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(help="With --instruments: about how long, real time.")
    ] = 36.0,
) -> None:
    """Run the whole hub with simulated instruments, a broker and a CRM receiver."""
    from hub.demo import run_demo, run_instruments, run_jobs

    if jobs:
        if keep or instruments:
            raise CommandRefused("--jobs is a demo of its own, and ends by itself")
        raise typer.Exit(run_jobs(out, factor=factor, lang=lang))
    if instruments:
        if keep or factor != 24.0:
            raise CommandRefused("--instruments runs in real time and ends by itself: --seconds")
        raise typer.Exit(run_instruments(out, seconds=seconds, lang=lang))
    raise typer.Exit(run_demo(out, factor=factor, keep=keep, lang=lang))


@app.command()
def plugins(
    config: Annotated[Path, typer.Argument()] = CONFIG, as_json: JsonOption = False
) -> None:
    """List the plugins that the config loads, and the kinds they bring."""
    from hub.config import load_config
    from hub.registry import Registry

    registry = Registry(load_config(config).hub.plugins)
    kinds = {
        "plugins": registry.names(),
        "drivers": sorted(registry.drivers),
        "procedures": sorted(registry.procedures),
        "sinks": sorted(registry.sinks),
    }
    _show(kinds, as_json)


@app.command()
def status(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Say how the running hub is: store, bus, sinks, alarms, open attempts."""
    _show(_ask(config, "status"), as_json)


@app.command()
def judge(
    order: Path,
    readings: Path,
    as_json: JsonOption = False,
    rule_pack: Annotated[str | None, typer.Option(help="Path or id of a rule pack.")] = None,
) -> None:
    """Judge one series offline: an order file and its readings. Exit 0 for any verdict."""
    from hub.judgement import run_judge

    raise typer.Exit(run_judge(order, readings, as_json, rule_pack))


@app.command()
def replay(
    attempt: Annotated[str, typer.Argument(help="Attempt or verdict id; all when absent.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Judge recorded attempts again from the ledger alone and compare with their verdicts."""
    from hub.config import load_config
    from hub.registry import Registry
    from hub.replaying import replay_verdicts

    settings = load_config(config)
    results = replay_verdicts(settings.hub.state_dir, Registry(settings.hub.plugins), attempt)
    _show(results, as_json)
    if not all(result["same"] for result in results):
        raise typer.Exit(1)


app.command()(evidence.rejudge)

app.command()(inbound.api)
app.command()(inbound.inbox)

# -- for authors of plugins

app.command()(site.probe)
app.command()(site.doctor)
app.command()(author.conformance)
app.command("new-plugin")(author.new_plugin)
app.command()(author.samples)
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(author.simulate)


# -- orders


@order_app.command("add")
def order_add(file: Path, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Give the hub an order: one test in the form of `gashub judge`, or steps of tests."""
    _show(_ask(config, "order.add", text=text_of(file)), as_json)


@order_app.command("list")
def order_list(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """List the orders, newest first, with their last verdict."""
    from hub.looking import orders

    _show(orders(_state_dir(config)), as_json)


@order_app.command("show")
def order_show(number: str, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show one order: its tests, attempts, verdicts, and what is going on now."""
    from hub.config import load_config
    from hub.looking import order

    settings = load_config(config)
    shown = order(settings.hub.state_dir, number)
    try:
        shown["now"] = _ask(config, "order.progress", number=number)
    except ConnectionError:
        shown["now"] = []
    if as_json or not sys.stdout.isatty():
        _show(shown, as_json)
        return
    from hub.order_view import show_order

    show_order(shown, settings.hub.language)


@order_app.command("open")
def order_open(
    number: str,
    test: Annotated[str, typer.Argument(help="Test id, step or procedure; else the next.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Begin an attempt: from now on the test's instruments are watched."""
    _show(_ask(config, "order.open", number=number, test=test), as_json)


WORDS = (
    "zeroed, self_test_ok, isolated, pump_on, pump_off, top_up, vent_open, vent_closed, "
    "interrupted, resumed, point (with --point: the next readings are taken there), close (that "
    "was all: judge what there is), abort, instrument_fault, gas_alarm, abnormal_pressure."
)


@order_app.command("event")
def order_event(
    number: str,
    word: Annotated[str, typer.Argument(help=WORDS)],
    instrument: Annotated[str, typer.Option(help="Instrument it belongs to.")] = "",
    point: Annotated[str, typer.Option(help="Measuring point, with the word `point`.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Record what the technician did, at the moment it is told."""
    _show(
        _ask(config, "order.event", number=number, word=word, instrument=instrument, point=point),
        as_json,
    )


order_app.command("reading")(entering.order_reading)
app.command("import")(entering.import_file)


@order_app.command("abort")
def order_abort(
    number: str,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Give an order up; an open attempt of it ends ABORTED."""
    _show(_ask(config, "order.abort", number=number, reason=reason), as_json)


# -- registers and papers

app.command("records")(records.records)
app.command("print")(records.print_)


# -- ledger


@ledger_app.command("verify")
def ledger_verify(
    config: ConfigOption = CONFIG,
    file: Annotated[
        Path | None, typer.Option(help="A ledger file or state folder instead.")
    ] = None,
    head: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint held outside (file); repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the whole record and name the first bad entry. Exit 1 when there is one."""
    from hub.ledger.verify import verify

    heads = [text_of(path) for path in head or []]
    report = _with_progress(
        "verify", lambda tick: verify(file or _state_dir(config), heads, progress=tick)
    )
    _show(report.as_dict(), as_json)
    if not report.ok:
        raise typer.Exit(1)


@ledger_app.command("export")
def ledger_export(out: Path, config: ConfigOption = CONFIG) -> None:
    """Write every entry with its proof as JSON lines."""
    from hub.ledger.export import export

    _ask(config, "ledger.checkpoint")  # only what a signed head covers can be proved

    def write(tick: Any) -> int:
        with out.open("wb") as file:
            return sum(1 for line in export(_state_dir(config), progress=tick) if file.write(line))

    typer.echo(f"{_with_progress('export', write)} lines in {out}")


@ledger_app.command("head")
def ledger_head(config: ConfigOption = CONFIG) -> None:
    """Print a signed checkpoint of the record as it stands; keep it outside the box."""
    typer.echo(_ask(config, "ledger.checkpoint"))


# -- outbox

ParcelArgument = Annotated[str, typer.Argument(help="Parcel id.")]
OrderOption = Annotated[str, typer.Option("--order", help="Every parcel of this order.")]
SinkOption = Annotated[str, typer.Option("--sink", help="Only this sink.")]


@outbox_app.command("list")
def outbox_list(
    state: Annotated[str, typer.Option(help="waiting, taken, refused or dead.")] = "",
    order: OrderOption = "",
    sink: SinkOption = "",
    most: Annotated[int, typer.Option(help="Rows at the most, oldest first.")] = 200,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List parcels: what waits, what was taken, what was refused and why."""
    from hub.looking import parcels

    _show(parcels(_state_dir(config), sink=sink, state=state, order=order, most=most), as_json)


@outbox_app.command("show")
def outbox_show(parcel: str, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show one parcel with its body and every attempt."""
    from hub.looking import parcel as look_at

    _show(look_at(_state_dir(config), parcel), as_json)


@outbox_app.command("retry")
def outbox_retry(
    parcel: ParcelArgument = "",
    order: OrderOption = "",
    sink: SinkOption = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Try again now what is waiting, refused, dead or paused."""
    _show(_ask(config, "outbox.retry", parcel=parcel, order=order, sink=sink, by=_who()), as_json)


@outbox_app.command("replay")
def outbox_replay(
    parcel: ParcelArgument = "",
    order: OrderOption = "",
    sink: SinkOption = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Deliver again: the same bytes with the same key, as a new attempt."""
    _show(_ask(config, "outbox.replay", parcel=parcel, order=order, sink=sink, by=_who()), as_json)


# -- inside


def _state_dir(config: Path) -> Path:
    from hub.config import load_config

    return load_config(config).hub.state_dir


def _who() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or str(os.getuid())


def _with_progress(title: str, work: Any) -> Any:
    """Run *work* with a progress bar on a terminal, silently elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))
