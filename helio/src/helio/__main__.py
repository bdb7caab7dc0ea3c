"""`helio`: what operators do. Talks to the services over their network, which believes whoever is inside it."""

import logging

import structlog
import typer

from helio.commands.accounts import admins, users
from helio.commands.audit import audit
from helio.commands.erasure import erasure
from helio.commands.feeds import feeds
from helio.commands.keys import keys
from helio.commands.letters import letters
from helio.commands.rebuild import rebuild

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Operate a Heliograph. Finds the system that runs here (`make up`), or what HELIOGRAPH_*_TARGET name. Every "
    "change is an entry of the audit trail.",
)
app.add_typer(admins, name="admin")
app.add_typer(users, name="user")
app.command("audit")(audit)
app.add_typer(keys, name="keys")
app.add_typer(rebuild, name="rebuild")
app.add_typer(feeds, name="feed")
app.add_typer(letters, name="letters")
app.add_typer(erasure, name="erasure")


def main() -> None:
    # What the kit logs is for services; an operator reads one line a fault.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    app(prog_name="helio")


if __name__ == "__main__":
    main()
