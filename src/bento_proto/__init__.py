"""The protocol of BentoML's HTTP servers, without I/O: no sockets, no files, no clock, no chance, no threads.

A `Session` makes flows, a `Run` says what to do next, and an `Exchange` takes what arrives.
"""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._arrays import modules_of
    from ._binding import Call, Source, bind
    from ._content import file_name, media_type, safe_name
    from ._decoders import Decoder, Raw, Text, Whole
    from ._discovery import Found
    from ._encoding import Upload, encode
    from ._errors import (
        BentoMLException,
        CallTimeout,
        Conflict,
        ConnectError,
        ConnectionLost,
        Forbidden,
        GatewayTimeout,
        InternalServerError,
        InvalidArgument,
        LimitExceeded,
        LocalProtocolError,
        NotFound,
        RemoteProtocolError,
        SchemaError,
        ServiceUnavailable,
        TaskFailed,
        TaskNotCompleted,
        TooManyRequests,
        Unauthorized,
        UnprocessableEntity,
    )
    from ._exchange import TRANSITIONS, Exchange, Input, State
    from ._flow import Flow, Run, Step
    from ._headers import Headers
    from ._hooks import Hooks
    from ._inputs import File, FileContent, FileInput, FrameInput, ModelInput, TensorInput
    from ._items import JSONItems
    from ._json import JSON, parse_json, to_json
    from ._messages import (
        Chunks,
        Complete,
        Data,
        End,
        Fields,
        FilePart,
        Head,
        Limits,
        Loss,
        Lost,
        Origin,
        Received,
        Request,
        Segment,
        Timeout,
    )
    from ._multipart import Body
    from ._naming import ALIAS, RESERVED, attributes, endpoint_for
    from ._options import Images, Options
    from ._outputs import Answer, Delivery, Reader
    from ._polling import Poll
    from ._progress import OnProgress, Progress
    from ._proxy import Proxies, Proxy, ProxyError, Route
    from ._responder import Event, Pause, Playback, Responder, Witness
    from ._response import Content, Response, Value
    from ._retry import RetryPolicy
    from ._schema import Endpoint, Kind, Output, Parameter, Schema, Service, parse_service
    from ._session import Session
    from ._signature import docstring_of, signature_of
    from ._sse import Events, ServerSentEvent
    from ._task_flows import Tasks
    from ._tasks import ResultStatus
    from ._travel import must_travel
    from ._url import Base, parse_base
    from ._version import __version__
    from ._watch import EndEvent, RequestEvent, ResponseEvent, RetryEvent
    from ._window import OnError, Outcome, Window, arguments_of
else:  # What nobody asks for is not loaded (PEP 562). A type checker must not see that any name could be there.
    _NAMES = {
        "_arrays": "modules_of",
        "_binding": "Call Source bind",
        "_content": "file_name media_type safe_name",
        "_decoders": "Decoder Raw Text Whole",
        "_discovery": "Found",
        "_encoding": "Upload encode",
        "_errors": (
            "BentoMLException CallTimeout Conflict ConnectError ConnectionLost Forbidden GatewayTimeout "
            "InternalServerError InvalidArgument LimitExceeded LocalProtocolError NotFound RemoteProtocolError "
            "SchemaError ServiceUnavailable TaskFailed TaskNotCompleted TooManyRequests Unauthorized "
            "UnprocessableEntity"
        ),
        "_exchange": "TRANSITIONS Exchange Input State",
        "_flow": "Flow Run Step",
        "_headers": "Headers",
        "_hooks": "Hooks",
        "_inputs": "File FileContent FileInput FrameInput ModelInput TensorInput",
        "_items": "JSONItems",
        "_json": "JSON parse_json to_json",
        "_messages": (
            "Chunks Complete Data End Fields FilePart Head Limits Loss Lost Origin Received Request Segment Timeout"
        ),
        "_multipart": "Body",
        "_naming": "ALIAS RESERVED attributes endpoint_for",
        "_options": "Images Options",
        "_outputs": "Answer Delivery Reader",
        "_polling": "Poll",
        "_progress": "OnProgress Progress",
        "_proxy": "Proxies Proxy ProxyError Route",
        "_responder": "Event Pause Playback Responder Witness",
        "_response": "Content Response Value",
        "_retry": "RetryPolicy",
        "_schema": "Endpoint Kind Output Parameter Schema Service parse_service",
        "_session": "Session",
        "_signature": "docstring_of signature_of",
        "_sse": "Events ServerSentEvent",
        "_task_flows": "Tasks",
        "_tasks": "ResultStatus",
        "_travel": "must_travel",
        "_url": "Base parse_base",
        "_version": "__version__",
        "_watch": "EndEvent RequestEvent ResponseEvent RetryEvent",
        "_window": "OnError Outcome Window arguments_of",
    }
    _HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = __import__(_HOMES[name], globals(), None, (name,), 1)  # importlib would have to be loaded for it
        value = globals()[name] = getattr(home, name)
        return value

    def __dir__():
        return {*globals(), *__all__}


__all__ = (
    "ALIAS",
    "Answer",
    "Base",
    "BentoMLException",
    "Body",
    "Call",
    "CallTimeout",
    "Chunks",
    "Complete",
    "Conflict",
    "ConnectError",
    "ConnectionLost",
    "Content",
    "Data",
    "Decoder",
    "Delivery",
    "End",
    "EndEvent",
    "Endpoint",
    "Event",
    "Events",
    "Exchange",
    "Fields",
    "File",
    "FileContent",
    "FileInput",
    "FilePart",
    "Flow",
    "Forbidden",
    "Found",
    "FrameInput",
    "GatewayTimeout",
    "Head",
    "Headers",
    "Hooks",
    "Images",
    "Input",
    "InternalServerError",
    "InvalidArgument",
    "JSON",
    "JSONItems",
    "Kind",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "Loss",
    "Lost",
    "ModelInput",
    "NotFound",
    "OnError",
    "OnProgress",
    "Options",
    "Origin",
    "Outcome",
    "Output",
    "Parameter",
    "Pause",
    "Playback",
    "Poll",
    "Progress",
    "Proxies",
    "Proxy",
    "ProxyError",
    "RESERVED",
    "Raw",
    "Reader",
    "Received",
    "RemoteProtocolError",
    "Request",
    "RequestEvent",
    "Responder",
    "Response",
    "ResponseEvent",
    "ResultStatus",
    "RetryEvent",
    "RetryPolicy",
    "Route",
    "Run",
    "Schema",
    "SchemaError",
    "Segment",
    "ServerSentEvent",
    "Service",
    "ServiceUnavailable",
    "Session",
    "Source",
    "State",
    "Step",
    "TRANSITIONS",
    "TaskFailed",
    "TaskNotCompleted",
    "Tasks",
    "TensorInput",
    "Text",
    "Timeout",
    "TooManyRequests",
    "Unauthorized",
    "UnprocessableEntity",
    "Upload",
    "Value",
    "Whole",
    "Window",
    "Witness",
    "__version__",
    "arguments_of",
    "attributes",
    "bind",
    "docstring_of",
    "encode",
    "endpoint_for",
    "file_name",
    "media_type",
    "modules_of",
    "must_travel",
    "parse_base",
    "parse_json",
    "parse_service",
    "safe_name",
    "signature_of",
    "to_json",
)
