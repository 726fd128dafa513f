"""The table of verbs and the group that loads them: ``fount --help`` imports none of them."""

import importlib
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from app import __version__
from app.cli.console import EXIT_CODES, INTERRUPTED, err_console, fail
from app.core.errors import ServiceError


class Verb(NamedTuple):
    """A verb: where it is implemented, as ``module:attribute``, and its line in the help."""

    target: str
    summary: str


# One line adds a verb; the attribute is a function or a ``typer.Typer``. A function's module may have an ``EPILOG``.
VERBS = {
    "demo": Verb("app.cli.demo:demo", "Serve the models that are there, and open the page in a browser."),
    "serve": Verb("app.cli.serve:serve", "Serve samples over HTTP."),
    "train": Verb("app.cli.train:train", "Train a generator on images and publish it."),
    "evaluate": Verb("app.cli.evaluate:evaluate", "Measure how good a model is."),
    "compare": Verb("app.cli.compare:compare", "Say which of two models is better, and where."),
    "study": Verb("app.cli.study:study_app", "Answer a question about your own data by an experiment."),
    "sample": Verb("app.cli.sample:sample", "Write samples of a model to a folder or a file."),
    "verify": Verb("app.cli.verify:verify", "Say whether images are samples of Fount."),
    "export": Verb("app.cli.export:export", "Write a dataset to a folder or a URL, shard by shard."),
    "augment": Verb("app.cli.augment:augment", "Write augmented copies of the images in a folder."),
    "models": Verb("app.cli.models:models_app", "List, check, promote and roll back published models."),
    "template": Verb("app.cli.template:template", "Draw labelled pictures from a template, without training."),
    "recipes": Verb("app.cli.recipes:recipes_app", "List and show the training recipes."),
    "keys": Verb("app.cli.keys:keys_app", "Make, list and revoke API keys."),
    "doctor": Verb("app.cli.doctor:doctor", "Say what this machine can do, and what is wrong with it."),
    "openapi": Verb("app.cli.openapi:openapi", "Print the description of the HTTP interface."),
}


_WORDS = "fount.words"


class LazyGroup(TyperGroup):
    """Shows verbs from the table and imports one only to run it."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, verb in VERBS.items():
            self.add_command(TyperCommand(name, help=verb.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the verb, then put the real command in the place of its line in the help."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_verb(name) if name in VERBS else command, rest

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words of the call: a complaint may find what was meant."""
        ctx.meta[_WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; what it raises on purpose, or the system, is told in one sentence, with exit status 1."""
        try:
            return super().invoke(ctx)
        except ServiceError as error:
            fail(error, given=ctx.meta[_WORDS])
        except ModuleNotFoundError as error:
            _fail_without(error)
        except OSError as error:
            _fail_by_system(error)
        except KeyboardInterrupt:
            err_console.print("stopped")
            raise typer.Exit(INTERRUPTED) from None


def _fail_without(error: ModuleNotFoundError) -> NoReturn:
    """Name the package that is not installed; what is missing of our own is a fault, and keeps its trace."""
    package = (error.name or "").partition(".")[0]
    if package in {"", "app"}:
        raise error
    fail(f"this takes the package `{package}`, which is not installed", "pip install 'fount[serve,train]'")


def _fail_by_system(error: OSError) -> NoReturn:
    """Say what the system refused; a reader of the answer that is gone is the caller's business."""
    if isinstance(error, BrokenPipeError) or not error.strerror:
        raise error
    reason = error.strerror.lower()
    fail(f"{error.filename}: {reason}" if error.filename else reason)


def load_verb(name: str) -> Any:
    """Import a verb.

    Raises:
        typer.Exit: If this installation does not have it; says so on standard error.
    """
    module_name, _, attribute = VERBS[name].target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        fail(f"`{name}` is not part of this installation")
    target = getattr(module, attribute)
    if not isinstance(target, typer.Typer):
        verb = typer.Typer(add_completion=False, rich_markup_mode="rich")
        verb.command(name, epilog=getattr(module, "EPILOG", None))(target)
        target = verb
    return typer.main.get_command(target)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # they may hold a key
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


def _list_exit_codes() -> str:
    lines = [f"{code}: {meaning}" for code, meaning in EXIT_CODES.items()]
    return "\n\n".join(["Exit codes:", *lines, "`fount VERB --help` has examples of each verb."])


@app.callback(epilog=_list_exit_codes())
def fount(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train small image generators and serve their samples over HTTP."""


def main() -> None:
    """Run the command line; the console script ``fount``."""
    app(prog_name="fount")
