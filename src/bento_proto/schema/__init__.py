"""The Service that a ``/schema.json`` describes: endpoints, parameters, outputs, Python names and signatures.

In goes the document, parsed or not; out comes a `Service`. It never sends anything and never sees an argument's value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspect import Signature

    from bento_proto._guesses import near_names

    from ._help import arguments_of, docstring_of, example_of, example_value, help_of, returns_of
    from ._identifiers import is_plain, pascal_case
    from ._listing import Endpoints, endpoint_html, service_html, signature_text, summary_of
    from ._naming import ALIAS, RESERVED, attributes, endpoint_for, unknown_endpoint
    from ._service import Endpoint, Kind, Output, Parameter, Schema, Service, parse_service
    from ._signature import signature_of
    from ._words import Model, PlainNames, Words, fits


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "._help": "arguments_of docstring_of example_of example_value help_of returns_of",
        "._identifiers": "is_plain pascal_case",
        "._listing": "Endpoints endpoint_html service_html signature_text summary_of",
        "._naming": "ALIAS RESERVED attributes endpoint_for unknown_endpoint",
        "._service": "Endpoint Kind Output Parameter Schema Service parse_service",
        "._signature": "signature_of",
        "._words": "Model PlainNames Words fits",
        "bento_proto._guesses": "near_names",
        "inspect": "Signature",
    }

    def __getattr__(name):
        for module, names in _MODULES.items():
            if name in names.split():
                value = globals()[name] = getattr(_import_module(module, __name__), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "ALIAS", "Endpoint", "Endpoints", "Kind", "Model", "Output", "Parameter", "PlainNames", "RESERVED", "Schema",
    "Service", "Signature", "Words", "arguments_of", "attributes", "docstring_of", "endpoint_for", "endpoint_html",
    "example_of", "example_value", "fits", "help_of", "is_plain", "near_names", "parse_service", "pascal_case",
    "returns_of", "service_html", "signature_of", "signature_text", "summary_of", "unknown_endpoint",
)  # fmt: skip
