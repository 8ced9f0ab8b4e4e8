"""`altid token`: a bearer token in somebody's name, for scripts."""

from __future__ import annotations

import json

import click

from altid.access.accounts import AccountError
from altid.access.administration import person_token
from altid.access.identity import Role
from altid.access.operator import Issued
from altid.cli.app import Options
from altid.cli.operating import database_url_option, operator_at
from altid.cli.region import layout_of, run

ROLES = [str(role) for role in Role if role is not Role.SYSTEM]


@click.command()
@click.option("--user", "username", required=True, metavar="NAME", help="In whose name.")
@click.option("--role", type=click.Choice(ROLES), help="One of that person's roles.  [default: the first]")
@click.option("--organisation", metavar="SOR", help="One of that person's places.  [default: the first]")
@database_url_option
@click.pass_obj
def token(
    options: Options, username: str, role: str | None, organisation: str | None, database_url: str | None
) -> None:
    """Print a bearer token in the name of a local account, and nothing else.

    It is good for about ten minutes, at either site, and what is done with it is done in that person's name:
    the audit has who made it. Whoever can read the access secret of the data folder may make one. `altid user
    disable` takes it back.

    \b
    Examples:
      altid token --user anne
      altid token --user anne --role nurse --data /srv/altid
      curl -H "Authorization: Bearer $(altid token --user anne)" http://127.0.0.1:8080/fhir/Patient
    """
    issued = run(_issued(options, username, Role(role) if role else None, organisation, database_url))
    if options.json:
        identity = issued.identity
        told = {
            "token": issued.token,
            "expires": identity.expires_s,
            "subject": identity.subject,
            "name": identity.name,
            "role": identity.role,
            "organisation": identity.organisation,
            "session": identity.session,
        }
        click.echo(json.dumps(told))
        return
    click.echo(issued.token)


async def _issued(
    options: Options, username: str, role: Role | None, organisation: str | None, database_url: str | None
) -> Issued:
    try:
        async with operator_at(layout_of(options), database_url) as operator:
            return await person_token(operator, username, role, organisation)
    except AccountError as error:
        raise click.UsageError(str(error)) from None
