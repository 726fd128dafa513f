"""Which pages there are. One is added by one line here, a template and a script."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One page.

    Attributes:
        path: Where it is; of one part, for its links are relative.
        label: What it is called in the navigation.
        title: What it says of itself, in the window's title.
        template: File in ``templates``, which extends ``base.html``.
        script: Module in ``static/js``, loaded after the frame's own.
        modules: What the script imports besides the frame's, fetched along with it.
        styles: Files in ``static/css``, loaded after those of every page.
    """

    path: str
    label: str
    title: str
    template: str
    script: str
    modules: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    @property
    def href(self) -> str:
        """The address relative to any page."""
        return f".{self.path}"


PAGES: Final = (
    PageEntry("/", "Models", "Models", "models.html", "models.js", ("markdown.js",), ("models.css",)),
    PageEntry(
        "/generate",
        "Generate",
        "Generate samples",
        "generate.html",
        "generate.js",
        (
            "generate-state.js",
            "generate-form.js",
            "generate-grid.js",
            "generate-take.js",
            "generate-view.js",
            "generate-walk.js",
        ),
        ("generate.css",),
    ),
    PageEntry(
        "/augment",
        "Augment",
        "Augment images",
        "augment.html",
        "augment.js",
        (
            "augment-copy.js",
            "augment-editor.js",
            "augment-fields.js",
            "augment-grid.js",
            "augment-json.js",
            "augment-picker.js",
            "augment-policy.js",
            "augment-sources.js",
            "augment-state.js",
            "augment-steps.js",
            "augment-take.js",
            "augment-tools.js",
            "augment-trace.js",
        ),
        ("augment.css",),
    ),
    PageEntry(
        "/compare",
        "Compare",
        "Compare versions",
        "compare.html",
        "compare.js",
        (
            "versions.js",
            "figures.js",
            "charts.js",
            "generate-state.js",
            "compare-state.js",
            "compare-samples.js",
            "compare-code.js",
            "compare-figures.js",
            "difference.js",
        ),
        ("measures.css",),
    ),
    PageEntry(
        "/balance",
        "Balance",
        "Balance classes",
        "balance.html",
        "balance.js",
        (
            "versions.js",
            "figures.js",
            "charts.js",
            "balance-counts.js",
            "balance-state.js",
            "balance-plan.js",
            "balance-delivery.js",
        ),
        ("measures.css",),
    ),
    PageEntry(
        "/evaluation",
        "Evaluation",
        "Evaluation",
        "evaluation.html",
        "evaluation.js",
        (
            "versions.js",
            "figures.js",
            "charts.js",
            "evaluation-figures.js",
            "evaluation-classes.js",
            "evaluation-history.js",
        ),
        ("measures.css",),
    ),
    PageEntry(
        "/verify",
        "Verify",
        "Verify an image",
        "verify.html",
        "verify.js",
        ("versions.js", "difference.js", "png.js"),
        ("measures.css",),
    ),
)
