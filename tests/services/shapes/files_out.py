"""Endpoints that give files, images and bytes, and raw responses that lie about what they are."""

from __future__ import annotations

import io
import typing as t
from pathlib import Path

import bentoml
from bentoml.validators import ContentType
from PIL import Image as images
from PIL.Image import Image
from starlette.responses import RedirectResponse, Response

from .models import FileModel2, written


class FilesOut:
    @bentoml.api
    def csv_out(self, ctx: bentoml.Context) -> Path:
        return written(ctx, "table.csv", b"a,b\r\n1,2\r\n")

    @bentoml.api
    def bin_out(self, ctx: bentoml.Context, size: int = 256, name: str = "blob.bin") -> Path:
        """``size`` bytes that count up, over and over."""
        path = Path(ctx.temp_dir) / name
        block = bytes(range(256)) * 4096
        with open(path, "wb") as file:
            for start in range(0, size, len(block)):
                file.write(block[: size - start])
        return path

    @bentoml.api
    def big_out(self, ctx: bentoml.Context, mb: int = 500) -> Path:
        """A file of zeros that takes no room on the server's disk."""
        path = Path(ctx.temp_dir) / f"big-{mb}.bin"
        with open(path, "wb") as file:
            file.truncate(mb * 1024 * 1024)
        return path

    @bentoml.api
    def named_file_out(self, name: str, ctx: bentoml.Context) -> Path:
        return written(ctx, name, b"payload of " + name.encode("utf-8", "surrogateescape"))

    @bentoml.api
    def empty_file_out(self, ctx: bentoml.Context) -> Path:
        return written(ctx, "empty.bin", b"")

    @bentoml.api
    def file_out_ct(self, ctx: bentoml.Context) -> t.Annotated[Path, ContentType("audio/mp3")]:
        return written(ctx, "noext", b"ID3")

    @bentoml.api
    def image_file_out(self, ctx: bentoml.Context) -> Path:
        path = Path(ctx.temp_dir) / "pic.png"
        images.new("RGB", (3, 2), "red").save(path)
        return path

    @bentoml.api
    def missing_file_out(self, ctx: bentoml.Context) -> Path:
        return Path(ctx.temp_dir) / "does-not-exist.bin"

    @bentoml.api
    def file_response_evil(self, filename: str = "../../evil.txt") -> Path:
        """A response of the author's own, whose Content-Disposition names a path."""
        return Response(  # type: ignore[return-value]
            b"evil",
            media_type="application/octet-stream",
            headers={"content-disposition": f'attachment; filename="{filename}"'},
        )

    @bentoml.api
    def file_no_disposition(self) -> Path:
        return Response(b"no name", media_type="application/octet-stream")  # type: ignore[return-value]

    @bentoml.api
    def file_raw_disposition(self, header: str) -> Path:
        return Response(  # type: ignore[return-value]
            b"raw header", media_type="text/plain", headers={"content-disposition": header}
        )

    @bentoml.api
    def files_out(self, ctx: bentoml.Context) -> list[Path]:
        return [written(ctx, "a.txt", b"a"), written(ctx, "b.txt", b"b")]

    @bentoml.api
    def optional_file_out(self, ctx: bentoml.Context, want: bool = True) -> t.Optional[Path]:
        return written(ctx, "opt.txt", b"opt") if want else None

    @bentoml.api
    def file_model_out(self, ctx: bentoml.Context) -> FileModel2:
        return FileModel2(name="n", upload=written(ctx, "a.txt", b"a"))

    @bentoml.api
    def png_out(self) -> Image:
        return images.new("RGB", (4, 3), "blue")

    @bentoml.api
    def jpeg_out(self) -> Image:
        buffer = io.BytesIO()
        images.new("RGB", (4, 3), "blue").save(buffer, format="JPEG")
        buffer.seek(0)
        return images.open(buffer)

    @bentoml.api
    def jpeg_out_annotated(self) -> t.Annotated[Image, ContentType("image/jpeg")]:
        return images.new("RGB", (4, 3), "blue")

    @bentoml.api
    def image_roundtrip(self, img: Image) -> Image:
        return img

    @bentoml.api
    def images_out(self) -> list[Image]:
        return [images.new("RGB", (1, 1), "blue"), images.new("RGB", (2, 2), "blue")]

    @bentoml.api
    def optional_image_out(self, want: bool = True) -> t.Optional[Image]:
        return images.new("RGB", (1, 1), "blue") if want else None

    @bentoml.api
    def bytes_out(self) -> bytes:
        return b"\x00\x01\xfe\xff"

    @bentoml.api
    def bytes_out_ct(self) -> t.Annotated[bytes, ContentType("audio/mp3")]:
        return b"ID3\x00"

    @bentoml.api
    def bytes_in(self, data: bytes) -> int:
        return len(data)

    @bentoml.api
    def empty_bytes_out(self) -> bytes:
        return b""

    @bentoml.api
    def latin1_out(self) -> str:
        return Response("caf\xe9".encode("latin-1"), media_type="text/plain; charset=iso-8859-1")  # type: ignore[return-value]

    @bentoml.api
    def invalid_utf8_out(self) -> str:
        return Response(b"ok \xff\xfe", media_type="text/plain")  # type: ignore[return-value]

    @bentoml.api
    def raw_response_204(self) -> dict[str, int]:
        return Response(status_code=204)  # type: ignore[return-value]

    @bentoml.api
    def raw_response_empty_200(self) -> dict[str, int]:
        return Response(b"", media_type="application/json")  # type: ignore[return-value]

    @bentoml.api
    def raw_response_not_json(self) -> dict[str, int]:
        return Response(b"<html>", media_type="text/html")  # type: ignore[return-value]

    @bentoml.api
    def redirect_307(self, text: str = "r") -> str:
        return RedirectResponse("/echo_str", status_code=307)  # type: ignore[return-value]

    @bentoml.api
    def redirect_302(self, text: str = "r") -> str:
        return RedirectResponse("/livez", status_code=302)  # type: ignore[return-value]
