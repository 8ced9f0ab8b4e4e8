"""`altid orders outbox|inbox`: orders on their way to others, and results on their way back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from altid.access.audit.event import Action
from altid.cli.app import Options, Subcommands
from altid.cli.operating import database_url_option, operator_at
from altid.cli.region import layout_of, run
from altid.orders.downstream import alarm, queue
from altid.orders.downstream import inbox as results
from altid.orders.downstream.destinations import Downstream
from altid.orders.downstream.queue import Delivery, NotPossibleError

_NOT_POSSIBLE = {
    "absent": "There is no delivery {number}.",
    "state": "Delivery {number} waits for nobody's decision: see `altid orders outbox --dead`.",
    "superseded": "A later version of the order has left already: discard delivery {number}.",
}

reason_option = click.option(
    "--reason", required=True, metavar="TEXT", help="Why, 3 to 500 characters: it is kept, and in the audit."
)


@click.group(cls=Subcommands, invoke_without_command=True)
@click.option("--dead", is_flag=True, help="Only dead letters: refused, or their attempts are used up.")
@database_url_option
@click.pass_context
def outbox(context: click.Context, dead: bool, database_url: str | None) -> int:
    """What has not been acknowledged; the exit code is 1 while there is an alarm.

    \b
    Examples:
      altid orders outbox
      altid orders outbox --dead --json
      altid orders outbox retry 17 --reason "the pharmacy is back"
      altid orders outbox discard 17 --reason "given by telephone"
    """
    if context.invoked_subcommand is not None:
        return 0
    options: Options = context.obj
    return run(_outbox(options, dead, database_url))


@outbox.command()
@click.argument("number", metavar="ID", type=int)
@reason_option
@database_url_option
@click.pass_obj
def retry(options: Options, number: int, reason: str, database_url: str | None) -> None:
    """Send a dead letter again, with a new budget of attempts."""
    run(_decide(options, "retry", number, reason, database_url))


@outbox.command()
@click.argument("number", metavar="ID", type=int)
@reason_option
@database_url_option
@click.pass_obj
def discard(options: Options, number: int, reason: str, database_url: str | None) -> None:
    """Give a dead letter up: it stays in the table, with the reason."""
    run(_decide(options, "discard", number, reason, database_url))


@click.group(cls=Subcommands, invoke_without_command=True)
@database_url_option
@click.pass_context
def inbox(context: click.Context, database_url: str | None) -> int:
    """Results that found no place: nobody has the number, or there is no such order.

    \b
    Examples:
      altid orders inbox
      altid orders inbox retry 3 --reason "the patient is registered now"
    """
    if context.invoked_subcommand is not None:
        return 0
    options: Options = context.obj
    return run(_inbox(options, database_url))


@inbox.command("retry")
@click.argument("number", metavar="ID", type=int)
@reason_option
@database_url_option
@click.pass_obj
def retry_inbox(options: Options, number: int, reason: str, database_url: str | None) -> None:
    """Try to place a message again."""
    run(_decide_inbox(options, "waiting", number, reason, database_url))


@inbox.command("discard")
@click.argument("number", metavar="ID", type=int)
@reason_option
@database_url_option
@click.pass_obj
def discard_inbox(options: Options, number: int, reason: str, database_url: str | None) -> None:
    """Give a message up: it stays in the table, with the reason."""
    run(_decide_inbox(options, "discarded", number, reason, database_url))


async def _outbox(options: Options, dead: bool, database_url: str | None) -> int:
    async with operator_at(layout_of(options), database_url) as operator:
        found = await queue.listed(operator.connection, dead=dead)
        health = await alarm.health(operator.connection, Downstream())
    if options.json:
        click.echo(json.dumps({**health.json, "deliveries": [asdict(one) for one in found]}, default=str))
    elif not options.quiet:
        for one in health.destinations:
            click.echo(
                f"{one.destination}: {one.waiting} waiting, oldest {one.oldest_s:.0f} s, {one.dead} dead"
            )
        _print(found)
    return 1 if health.alarms else 0


def _print(found: list[Delivery]) -> None:
    if not found:
        return
    table = Table("ID", "To", "Order", "State", "Tries", "Code", "Written (UTC)", "Next try (UTC)", box=None)
    for one in found:
        order = f"{one.type}/{one.id} v{one.version}"
        moments = (_time(one.made), _time(one.next_at))
        table.add_row(
            str(one.number), one.destination, order, one.state, str(one.attempts), one.code, *moments
        )
    Console(highlight=False, markup=False, soft_wrap=True).print(table)


async def _inbox(options: Options, database_url: str | None) -> int:
    async with operator_at(layout_of(options), database_url) as operator:
        found = await results.listed(operator.connection)
    if options.json:
        click.echo(json.dumps({"messages": found}, default=str))
    elif not options.quiet:
        _print_messages(found)
    return 1 if found else 0


def _print_messages(found: list[dict[str, Any]]) -> None:
    table = Table("ID", "From", "Control id", "State", "Code", "Arrived (UTC)", box=None)
    for one in found:
        table.add_row(
            str(one["number"]),
            one["source"],
            one["control_id"],
            one["state"],
            one["code"],
            _time(one["arrived"]),
        )
    if found:
        Console(highlight=False, markup=False, soft_wrap=True).print(table)


async def _decide(options: Options, act: str, number: int, reason: str, database_url: str | None) -> None:
    reason = _checked(reason)
    async with operator_at(layout_of(options), database_url) as operator:
        doing = queue.retry if act == "retry" else queue.discard
        try:
            async with operator.connection.transaction():
                await doing(operator.connection, number, operator.who.subject, reason)
                event = operator.event(Action.ADMINISTER, f"outbox-{act}", type_="delivery", id_=str(number))
                await operator.record(event)
        except NotPossibleError as error:
            raise click.UsageError(_NOT_POSSIBLE[error.code].format(number=number)) from None
    _tell(options, number, "waiting" if act == "retry" else "discarded")


async def _decide_inbox(
    options: Options, state: str, number: int, reason: str, database_url: str | None
) -> None:
    reason = _checked(reason)
    async with (
        operator_at(layout_of(options), database_url) as operator,
        operator.connection.transaction(),
    ):
        if not await results.decide(operator.connection, number, state, operator.who.subject, reason):
            raise click.UsageError(f"No message {number} is held: see `altid orders inbox`.")
        await operator.record(
            operator.event(Action.ADMINISTER, f"inbox-{state}", type_="message", id_=str(number))
        )
    _tell(options, number, state)


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not 3 <= len(reason) <= 500 or not reason.isprintable():
        raise click.UsageError("--reason is a text of 3 to 500 characters.")
    return reason


def _tell(options: Options, number: int, state: str) -> None:
    if options.json:
        click.echo(json.dumps({"number": number, "state": state}))
    elif not options.quiet:
        click.echo(f"{number}: {state}")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
