"""`edge-quantize keygen` and `edge-quantize sign`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from edge.bundle.signature import key_name
from quantize.signing import make_keys, read_private_key, sign_bundle

__all__ = ["SIGNING_COMMANDS", "keygen_command", "sign_command"]

_EXIT_CODES = "Exit codes: 0 done, 2 wrong use, 3 bad key, 4 bad bundle, 5 output failure."


@click.command(epilog=_EXIT_CODES)
@click.argument("name", metavar="NAME")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def keygen_command(name: str, *, debug: bool) -> int:
    """Make the keys that bundles are signed and checked with.

    NAME.private.pem signs: keep it, back it up, give it to nobody. NAME.public.pem checks: give
    it to every device. Neither file is ever overwritten.
    """
    del debug  # looked for by `run_command`
    files = make_keys(name)
    click.echo(f"key           {key_name(files.public_key)}")
    click.echo(f"private       {files.private}: signs; keep it to yourself and back it up")
    click.echo(f"public        {files.public}: checks; give it to devices")
    return 0


@click.command(epilog=_EXIT_CODES)
@click.argument("bundle", metavar="BUNDLE")
@click.option(
    "--key", "key_path", required=True, metavar="PRIVATE.pem", help="Private Ed25519 key."
)
@click.option("-o", "--output", metavar="NAME.edge", help="Leave BUNDLE alone; write this one.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def sign_command(bundle: str, *, key_path: str, output: str | None, debug: bool) -> int:
    """Sign BUNDLE, a .edge file or a folder.

    The bundle is checked first, and gets a file manifest.sig. Its model and answers stay as they
    are, and so does the digest in its answers.
    """
    del debug  # looked for by `run_command`
    key = read_private_key(key_path, ask_passphrase=_ask_passphrase)
    if key.is_open_to_others:
        click.echo(
            f"edge-quantize sign: others on this machine can read {key_path}; chmod 600 it",
            err=True,
        )
    destination = Path(output) if output else None
    _, before = sign_bundle(Path(bundle), key, destination=destination)
    if before is not None and before.public_key != key.public_key:
        click.echo(f"replaced      the signature of key {key_name(before.public_key)}")
    click.echo(f"signed        {destination or bundle} with key {key_name(key.public_key)}")
    return 0


def _ask_passphrase() -> str:
    answer: str = click.prompt("Passphrase of the key", hide_input=True, err=True)
    return answer


SIGNING_COMMANDS: Final = {"keygen": keygen_command, "sign": sign_command}
"""By name."""
