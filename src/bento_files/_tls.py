"""TLS settings from files."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Final

_PROTOCOL: Final = "http/1.1"


def tls_context(
    *,
    ca_file: str | os.PathLike[str] | None = None,
    client_cert: str | os.PathLike[str] | None = None,
    client_key: str | os.PathLike[str] | None = None,
    password: str | bytes | Callable[[], str | bytes] | None = None,
    system: bool = False,
) -> ssl.SSLContext:
    """Create TLS settings from files, for the ``ssl_context`` of a client.

    Certificates and host names are always verified, and the client offers HTTP/1.1 (ALPN). Any number of clients can
    share a context. This function reads files: call it before an event loop runs, or in a thread.

    Args:
        ca_file: a PEM file with the CA certificates to trust, instead of Python's default: those that OpenSSL finds or
            that the environment variables ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name, or where there are none at all,
            those of certifi or truststore, if one is installed. With ``system``, they are trusted in addition.
        client_cert: a PEM file with the client's certificate and its chain.
        client_key: a PEM file with the private key, if that is not in ``client_cert``.
        password: the password of the private key, or a function that returns it.
        system: whether to trust the operating system's certificate store. Needs the extra ``truststore``.

    Raises:
        ImportError: ``system`` is set, and truststore is not installed.
        OSError: a file can't be read, or is malformed (`ssl.SSLError`).
        ValueError: there is a ``client_key`` without a ``client_cert``.
    """
    if client_key is not None and client_cert is None:
        raise ValueError("client_key= needs client_cert=: it is the private key of that certificate")
    if system:
        try:
            context = _system_context()
        except ImportError as exc:
            raise ImportError("system=True needs truststore: pip install 'bento-client[truststore]'") from exc
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
    else:
        context = ssl.create_default_context(cafile=ca_file)
        if ca_file is None and _trusts_nobody(context):
            context = _context_of_packages(context)
    context.set_alpn_protocols([_PROTOCOL])
    if client_cert is not None:
        context.load_cert_chain(client_cert, client_key, password)
    return context


def _system_context() -> ssl.SSLContext:
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _trusts_nobody(context: ssl.SSLContext) -> bool:
    """Whether Python has found no CA certificates, as in slim containers, though nobody has said where they are."""
    paths = ssl.get_default_verify_paths()
    if paths.openssl_cafile_env in os.environ or paths.openssl_capath_env in os.environ:
        return False
    if context.cert_store_stats()["x509_ca"]:
        return False
    return not (paths.capath and os.listdir(paths.capath))  # whose files OpenSSL reads when it needs them


def _context_of_packages(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context with the authorities of certifi; or else one with those of truststore; or else the same."""
    try:
        where: Callable[[], str] = import_module("certifi").where
    except ImportError:
        with suppress(ImportError):
            context = _system_context()
    else:
        context.load_verify_locations(cafile=where())
    return context


def check_protocol(selected: str | None) -> None:
    """Check the protocol that a server has selected by ALPN; None if it has not.

    Raises:
        ssl.SSLError: it is not HTTP/1.1. Only settings of a caller's own can offer others.
    """
    if selected not in (None, _PROTOCOL):
        raise ssl.SSLError(
            ssl.SSL_ERROR_SSL,
            f"the server chose {selected!r}, which the given ssl_context offers, but this client speaks HTTP/1.1 only: "
            f'call ssl_context.set_alpn_protocols(["{_PROTOCOL}"])',
        )
