"""Commands for evidence: bundles for others, and verdicts by another rule pack."""

from typing import Annotated

import typer

from hub.cli.asking import ask, show
from hub.cli.options import CONFIG, ConfigOption, JsonOption


def rejudge(
    wanted: Annotated[
        str, typer.Argument(help="Attempt id, verdict id or order number; all when absent.")
    ] = "",
    rulepack: Annotated[
        str, typer.Option("--rulepack", help="Id, or path of a folder or .toml file.")
    ] = "",
    record: Annotated[
        bool, typer.Option("--record", help="Set it into the record, beside the first verdict.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="With --record: staff id of whoever does.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Judge recorded attempts by another rule pack, and list what it says otherwise.

    The first verdict stays what it is, and a second one releases nothing.
    """
    from hub.errors import CommandRefused, ConfigError
    from hub.rulepack import RulePackError, load_pack

    if not rulepack:
        raise typer.BadParameter("which one? for example --rulepack our-city.toml")
    if record and not (wanted and by):
        raise CommandRefused("--record needs what is judged again (an attempt or order), and --by")
    try:
        pack = load_pack(rulepack)
    except RulePackError as wrong:
        raise ConfigError(str(wrong)) from wrong
    if record:
        text = pack.source_bytes.decode()
        show(ask(config, "verdict.second", wanted=wanted, pack=text, by=by), as_json)
        return
    from hub.config import load_config
    from hub.registry import Registry
    from hub.rejudging import rejudge as judge_again

    settings = load_config(config)
    found = judge_again(settings.hub.state_dir, Registry(settings.hub.plugins), pack, wanted)
    show(found, as_json)
