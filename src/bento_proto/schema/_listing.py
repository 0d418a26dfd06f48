"""The endpoints of a Service, as a person reads them: a line for each, or a table in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from bento_proto._guesses import did_you_mean
from bento_proto._text import one_line

from ._service import Endpoint, Service
from ._signature import signature_of

_SHOWN: Final = 100


class Endpoints(Mapping[str, Endpoint]):
    """The endpoints of a Service by name. Its ``repr`` lists them with their signatures and descriptions.

    Args:
        by_name: the endpoints.
    """

    __slots__ = ("_by_name",)

    def __init__(self, by_name: Mapping[str, Endpoint]) -> None:
        self._by_name = by_name

    def __getitem__(self, name: str) -> Endpoint:
        if name not in self._by_name:
            raise KeyError(f"no endpoint {name!r}{did_you_mean(name, self._by_name, 'endpoints')}")
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        if not self:
            return "no endpoints"
        lines: list[str] = []
        for endpoint in islice(self.values(), _SHOWN):
            lines.append(one_line(endpoint.name) + signature_text(endpoint) + _remarks(endpoint))
            if endpoint.doc:
                lines.append(f"    {summary_of(endpoint)}")
        return "\n".join(lines) + self._rest()

    def _repr_html_(self) -> str:
        return self.html

    @property
    def html(self) -> str:
        """The table."""
        from html import escape  # loads every entity

        rows = (
            f"<tr><th style='text-align: left'>{escape(one_line(endpoint.name))}</th>"
            f"<td style='text-align: left'><code>{escape(signature_text(endpoint))}</code>{escape(_remarks(endpoint))}"
            f"<br>{escape(summary_of(endpoint))}</td></tr>"
            for endpoint in islice(self.values(), _SHOWN)
        )
        return f"<table>{''.join(rows)}</table>{escape(self._rest())}"

    def _rest(self) -> str:
        return f"\n... and {len(self) - _SHOWN} more" if len(self) > _SHOWN else ""


def service_html(service: Service, text: str) -> str:
    """A client in a notebook: what Service it is for, and a table of the endpoints."""
    from html import escape

    about = f"<p>{escape(one_line(service.description))}</p>" if service.description else ""
    title = f"<p><b>{escape(one_line(service.name))}</b> <code>{escape(one_line(text))}</code></p>"
    return title + about + Endpoints(service.endpoints).html


def endpoint_html(endpoint: Endpoint, text: str) -> str:
    """An endpoint in a notebook: its signature and its help."""
    from html import escape

    title = f"<b>{escape(one_line(endpoint.name))}</b>{escape(signature_text(endpoint))}"
    return f"<p><code>{title}</code>{escape(_remarks(endpoint))}</p><pre>{escape(text)}</pre>"


class _Annotation(str):
    """An annotation in text that `inspect.Signature` prints without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def signature_text(endpoint: Endpoint) -> str:
    """The signature of an endpoint, as Python writes one, on one line."""
    signature = signature_of(endpoint)
    plain = [each.replace(annotation=_Annotation(each.annotation)) for each in signature.parameters.values()]
    returned = _Annotation(signature.return_annotation)
    return one_line(str(signature.replace(parameters=plain, return_annotation=returned)))


def summary_of(endpoint: Endpoint) -> str:
    """The first line of an endpoint's description; empty without one."""
    return one_line((endpoint.doc or "").strip().partition("\n")[0])


def _remarks(endpoint: Endpoint) -> str:
    """What its signature does not say."""
    found = (("task", endpoint.is_task), ("batchable", endpoint.batchable))
    remarks = ", ".join(remark for remark, holds in found if holds)
    return f"  # {remarks}" if remarks else ""
