"""The rooms of the Zoo: each module is a mixin with the endpoints of one kind; ``zoo.py`` joins them into one Service.

Annotations are what is under test here: ``Optional[Path]`` and ``Path | None``, say, give different schemas.
"""

from __future__ import annotations

from bentoml.validators import FileSchema

# typing.Union hashes the metadata of Annotated before Python 3.11.8 and 3.12.2, so that without a hash Optional[Path]
# can't be declared there. The schema that comes out is the same as on the later ones.
if FileSchema.__hash__ is None:
    FileSchema.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]
