"""The Service with every shape of input and output, joined from its rooms."""

from __future__ import annotations

import bentoml
from shapes.arrays import Arrays
from shapes.containers import Containers
from shapes.context import Context
from shapes.errors import Errors
from shapes.files_in import FilesIn
from shapes.files_out import FilesOut
from shapes.names import Names
from shapes.roots import Roots
from shapes.scalars import Scalars
from shapes.streams import Streams


@bentoml.service(name="Zoo", threads=16, traffic={"timeout": 60})
class Zoo(Scalars, Containers, Roots, FilesIn, FilesOut, Arrays, Streams, Errors, Context, Names):
    """The main zoo."""
