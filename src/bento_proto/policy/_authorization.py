"""The authorization of a request that is found out right before it is sent."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bento_proto.errors import LocalProtocolError
from bento_proto.exchange._exchange import State

if TYPE_CHECKING:
    from bento_proto.exchange._exchange import Exchange
    from bento_proto.http._credentials import Credential


class Authorization:
    """Adds the credential to the request of one exchange.

    Args:
        exchange: the exchange, which has not begun.
        credential: the credential of the client.
        was_refused: whether the server has just refused the same request, with status 401.
    """

    def __init__(self, exchange: Exchange[object], credential: Credential, was_refused: bool = False) -> None:
        self._exchange = exchange
        self._credential = credential
        self._was_refused = was_refused

    async def acomplete(self) -> None:
        """Call the functions of the credential, await what they return, and complete the request.

        Raises:
            LocalProtocolError: the exchange has begun; nothing changed.
            ValueError: a function returned what is not allowed in a header field.
            TypeError: a function returned something else than it should.
        """
        if self._exchange.state is not State.WAITING:
            raise LocalProtocolError(f"the exchange has begun: it is in state {self._exchange.state.value!r}")
        self._exchange.request = await self._credential.authorized(self._exchange.request, self._was_refused)

    def complete(self) -> None:
        """Do the same at once, for a credential without asynchronous functions.

        Raises:
            LocalProtocolError: a function is asynchronous, or the exchange has begun.
            TypeError, ValueError: as for `acomplete`.
        """
        coroutine = self.acomplete()
        with suppress(StopIteration):
            coroutine.send(None)  # it ends without waiting, as nothing in it is awaited
            coroutine.close()
            raise LocalProtocolError("the credential has an asynchronous function: await acomplete() instead")
