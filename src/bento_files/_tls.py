"""TLS settings from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Callable


def tls_context(
    *,
    ca_file: str | os.PathLike[str] | None = None,
    client_cert: str | os.PathLike[str] | None = None,
    client_key: str | os.PathLike[str] | None = None,
    password: str | bytes | Callable[[], str | bytes] | None = None,
    system: bool = False,
) -> ssl.SSLContext:
    """Settings for the ``ssl_context`` of a client. It reads files; do it before an event loop runs, or in a thread.

    Certificates and host names are always verified. One context may serve any number of clients.

    Args:
        ca_file: a PEM file with the certificates of the authorities that are trusted, and no others; with ``system``
            besides those of the system. By default Python's: those that OpenSSL finds, or that the environment
            variable ``SSL_CERT_FILE`` names.
        client_cert: a PEM file with the certificate that the client proves itself with, and the chain that it needs.
        client_key: a PEM file with its private key, if that is not in the same file.
        password: of the private key, or a function that gives it.
        system: whether to trust what the operating system trusts: the certificate store of Windows, the keychain of
            macOS. Needs the extra ``truststore``.

    Raises:
        ImportError: ``system`` is set, and truststore is not installed.
        OSError: a file can't be read, or is no such file (`ssl.SSLError`).
        ValueError: there is a key without a certificate.
    """
    import ssl  # the clients have it; what else reads files need not

    if client_key is not None and client_cert is None:
        raise ValueError("client_key= is the key of the certificate that client_cert= names")
    if system:
        try:
            import truststore
        except ImportError as exc:
            raise ImportError("system=True needs truststore: pip install 'bento-client[truststore]'") from exc
        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
    else:
        context = ssl.create_default_context(cafile=ca_file)
    if client_cert is not None:
        context.load_cert_chain(client_cert, client_key, password)
    return context
