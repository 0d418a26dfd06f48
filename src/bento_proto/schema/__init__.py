"""The Service as its ``/schema.json`` describes it: endpoints, parameters, outputs, Python names and signatures.

In goes the document, parsed or not; out comes a `Service`. It never sends anything and never looks at a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._naming import ALIAS, RESERVED, attributes, endpoint_for
    from ._service import Endpoint, Kind, Output, Parameter, Schema, Service, parse_service
    from ._signature import docstring_of, signature_of


# Written by tools/exports.py from the imports above: a name is loaded when it is first asked for (PEP 562).
if not TYPE_CHECKING:
    from importlib import import_module as _import_module

    _MODULES = {
        "ALIAS": "._naming",
        "Endpoint": "._service",
        "Kind": "._service",
        "Output": "._service",
        "Parameter": "._service",
        "RESERVED": "._naming",
        "Schema": "._service",
        "Service": "._service",
        "attributes": "._naming",
        "docstring_of": "._signature",
        "endpoint_for": "._naming",
        "parse_service": "._service",
        "signature_of": "._signature",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_MODULES[name], __name__), name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "ALIAS",
    "Endpoint",
    "Kind",
    "Output",
    "Parameter",
    "RESERVED",
    "Schema",
    "Service",
    "attributes",
    "docstring_of",
    "endpoint_for",
    "parse_service",
    "signature_of",
)
