"""How Sphinx makes the documentation: ``make docs``."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.domains.python import PyObject

import bento_proto

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "bento-client"
copyright = "the bento-client authors"
release = version = bento_proto.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_llms_txt",
]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
default_role = "py:obj"  # a name in single backquotes, in a docstring, is a link to it where it is documented

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
# Aliases that a signature shows by name. Generic ones, such as Flow, can't be among them.
ALIASES = (
    "Fields FileContent FileInput FileStrings FrameInput Images JSON ModelInput Received Schema Segment TensorInput"
)
autodoc_type_aliases = {name: name for name in ALIASES.split()}
maximum_signature_line_length = 80
python_display_short_literal_types = True
autoclass_content = "both"  # the arguments of both clients stand in the constructor that they share
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"bento-client {release}"
html_static_path = ["_static"]
html_css_files = ["own.css"]
html_show_copyright = False
llms_txt_summary = "Light, typed, sync and async clients for BentoML Services, on a core without I/O."
llms_txt_uri_template = "_sources/{docname}.md.txt"  # the pages as they are written
copybutton_exclude = ".linenos, .gp, .go"  # of a console block, the commands alone


def find_at_home(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """What a package only passes on is described where it comes from: in the core, or in one of its sub-packages."""
    if node.get("refdomain") != "py" or "." in (name := node["reftarget"]):
        return None
    python = env.get_domain("py")
    for home in ("bento_proto", *(f"bento_proto.{module.name}" for module in iter_modules(bento_proto.__path__))):
        found = python.resolve_xref(env, node["refdoc"], app.builder, "obj", f"{home}.{name}", node, content)
        if found is not None:
            return found
    return None


def name_aliases(
    app: Sphinx, what: str, name: str, value: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """In a union, autodoc shows how it represents an alias: show the alias."""
    shown = (text and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", text) for text in (signature, returns))
    return next(shown), next(shown)


def draw_in_place(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put drawings into the page itself, where the reader's choice of light and dark counts for them too."""
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir, image["uri"])
        if path.suffix == ".svg" and 'class="drawing"' in (drawing := path.read_text(encoding="utf-8")):
            image.replace_self(nodes.raw("", drawing, format="html"))


def mark_long_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Names in a table that are longer than a column, such as those of tests, may be broken anywhere."""
    for entry in doctree.findall(nodes.entry):
        for literal in entry.findall(nodes.literal):
            if len(literal.astext()) > 40:
                literal["classes"].append("long")


for field in PyObject.doc_field_types:
    if field.name == "variable":
        field.label = "Attributes"  # as they are headed in the docstrings


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", find_at_home)
    app.connect("doctree-resolved", draw_in_place)
    app.connect("doctree-resolved", mark_long_names)
    app.connect("autodoc-process-signature", name_aliases)
