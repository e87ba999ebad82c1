"""Store and search vectors and rows in Milvus, either in a cluster or in a file of Milvus Lite.

A collection holds the same data as the files of an index: id i is row i. The record stays a file and names the
collection and the model. Everyone who has the record and can reach the cluster can search the index. Neither of them
contains a password; it is read from MILVUS_TOKEN.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import ExitCode, SinonomError, UsageError, need
from sinonom_cli.search.rows import ROW_COLUMNS, Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 1_000
"""Number of rows in one insertion; they take about 1 MB, and a message may have 64 MB."""
ASKED = 64
"""Number of queries in one search."""
LONGEST = 4_096
"""Largest number of bytes in a cell; paths are no longer."""
MOST = 16_384
"""Largest number of answers that Milvus returns to a query."""
TIMEOUT = 20.0
FIELDS = ["id", "vector", *ROW_COLUMNS]


def parse(text: str) -> tuple[str, str]:
    """Return the address and the collection of `--store milvus:URI[#COLLECTION]`; "" if no collection is named.

    Raises
    ------
    SinonomError
        With exit code 2, if `text` is not such a value.
    """
    kind, _, uri = text.partition(":")
    uri, _, name = uri.partition("#")
    hint = "--store milvus:http://HOST:19530, or milvus:FILE.db for Milvus Lite"
    if kind != "milvus" or not uri:
        raise UsageError(f"--store {text} is not milvus:URI", hint)
    if "@" in uri:
        raise UsageError("--store would write a password into the record", "export MILVUS_TOKEN=user:password")
    if not is_served(uri) and not uri.endswith(".db"):
        raise UsageError(f"{uri} is neither an address nor a file of Milvus Lite, which ends in .db", hint)
    if name and not re.fullmatch(r"[A-Za-z_]\w{0,254}", name, re.ASCII):
        raise UsageError(f"{name} is not a valid name for a collection", "use letters, digits and _")
    return uri, name


def new_name(output: Path) -> str:
    """Return a name for an index's collection that no other collection has."""
    stem = re.sub(r"\W", "_", output.stem, flags=re.ASCII)[:200]
    return f"sinonom_{stem}_{secrets.token_hex(4)}"


def is_served(uri: str) -> bool:
    """Return True if an address is that of a server, and False if it is the path of a file."""
    return "://" in uri


class Collection:
    """A collection in Milvus.

    Parameters
    ----------
    uri : address of a server, or path of a file of Milvus Lite.
    name : name of the collection.
    folder : folder from which a relative path starts.

    Raises
    ------
    SinonomError
        With exit code 3, if the extra `milvus` is not installed; 4, if the server does not answer.
    """

    def __init__(self, uri: str, name: str, folder: Path) -> None:
        self.name, self.uri = name, uri
        milvus: Any = need("pymilvus", "milvus")
        for logger in ("pymilvus", "pymilvus.decorators", "grpc._server"):  # they also raise the errors that they log
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        if not is_served(uri):
            need("milvus_lite", "milvus")
            (folder / uri).parent.mkdir(parents=True, exist_ok=True)
            uri = str(folder / uri)
        with self._answering():
            self._client = milvus.MilvusClient(uri=uri, token=os.environ.get("MILVUS_TOKEN", ""), timeout=TIMEOUT)

    def there(self) -> bool:
        """Return whether the collection exists."""
        with self._answering():
            return bool(self._client.has_collection(self.name))

    def create(self, dimension: int, flat: bool) -> None:
        """Create the collection with strong consistency, so that a search finds rows as soon as they are written."""
        from pymilvus import DataType

        with self._answering():
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            for column in ROW_COLUMNS:
                schema.add_field(column, DataType.VARCHAR, max_length=LONGEST)
            index = self._client.prepare_index_params()
            index.add_index(field_name="vector", index_type="FLAT" if flat else "AUTOINDEX", metric_type="L2")
            self._client.create_collection(
                self.name, schema=schema, index_params=index, consistency_level="Strong", timeout=TIMEOUT
            )

    def drop(self) -> None:
        """Drop the collection if `sinonom` made it; otherwise raise SinonomError with exit code 5."""
        with self._answering():
            if not self._client.has_collection(self.name):
                return
            fields = [field["name"] for field in self._client.describe_collection(self.name)["fields"]]
            if fields == FIELDS:  # Milvus Lite keeps no description
                self._client.drop_collection(self.name)
                return
        raise SinonomError(
            f"the collection {self.name} at {self.uri} was not made by sinonom",
            "use --store with another #COLLECTION",
            ExitCode.OUTPUT_IN_THE_WAY,
        )

    def digest(self, count: int) -> str:
        """Return a SHA-256 of the first, the middle and the last of `count` rows, and of their vectors."""
        digest = hashlib.sha256()
        wanted = sorted({0, count // 2, max(count - 1, 0)})
        with self._answering():
            found = {hit["id"]: hit for hit in self._client.get(self.name, ids=wanted, output_fields=FIELDS)}
        for number in wanted:
            hit = found.get(number, {})
            digest.update(np.asarray(hit.get("vector", []), np.float32).tobytes())
            digest.update("\0".join([str(number), *(hit.get(column, "") for column in ROW_COLUMNS)]).encode("utf-8"))
        return digest.hexdigest()

    def count(self) -> int:
        """Return the number of rows, after loading the collection for searches."""
        with self._answering():
            self._client.load_collection(self.name)
            return int(self._client.query(self.name, filter="", output_fields=["count(*)"])[0]["count(*)"])

    def write(self, start: int, vectors: NDArray[np.float32], rows: Iterable[Row]) -> None:
        """Write (n, D) float32 vectors and their n rows with ids from `start`; rows with the same ids are replaced."""
        lines = (
            {"id": start + place, "vector": vector, **dict(zip(ROW_COLUMNS, map(_cell, astuple(row)), strict=True))}
            for place, (vector, row) in enumerate(zip(vectors, rows, strict=True))
        )
        with self._answering():
            while part := list(islice(lines, AT_ONCE)):
                self._client.upsert(self.name, part, timeout=TIMEOUT)

    def finish(self) -> None:
        """Make Milvus store what was written, and load the collection for searches."""
        with self._answering():
            self._client.flush(self.name)
            self._client.load_collection(self.name)

    def search(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], dict[int, Row]]:
        """Find the k nearest rows of (Q, D) float32 queries.

        Returns
        -------
        (Q, k) int64 ids, -1 where there is none; their (Q, k, D) float32 vectors; and the rows found, by id.
        """
        k = min(k, MOST)
        ids = np.full((len(queries), k), -1, np.int64)
        vectors = np.zeros((len(queries), k, queries.shape[1]), np.float32)
        rows: dict[int, Row] = {}
        with self._answering():
            for start in range(0, len(queries), ASKED):
                answers = self._client.search(
                    self.name,
                    data=list(queries[start : start + ASKED]),
                    limit=k,
                    output_fields=["vector", *ROW_COLUMNS],
                    timeout=TIMEOUT,
                )
                for line, answer in enumerate(answers, start):
                    for place, hit in enumerate(answer):
                        ids[line, place] = hit["id"]
                        vectors[line, place] = hit["entity"]["vector"]
                        rows[hit["id"]] = Row(*(hit["entity"][column] for column in ROW_COLUMNS))
        return ids, vectors, rows

    def rows(self) -> Iterator[Row]:
        """Yield all rows, in no particular order."""
        with self._answering():
            pages = self._client.query_iterator(self.name, batch_size=AT_ONCE, output_fields=list(ROW_COLUMNS))
            while page := pages.next():
                yield from (Row(*(hit[column] for column in ROW_COLUMNS)) for hit in page)

    def row(self, number: int) -> Row:
        """Return one row."""
        with self._answering():
            [found] = self._client.get(self.name, ids=[number], output_fields=list(ROW_COLUMNS))
        return Row(*(found[column] for column in ROW_COLUMNS))

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn an error of Milvus, or of the connection to it, into a SinonomError of one line."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (MilvusException, RpcError, ConnectionError, TimeoutError) as error:
            reason = " ".join((getattr(error, "message", "") or str(error)).split())
            raise SinonomError(
                f"Milvus at {self.uri} fails: {reason[:300]}",
                "check that it runs, check MILVUS_TOKEN, and run the command again" if is_served(self.uri) else "",
            ) from error


class StoredRows:
    """Rows of a collection; those of the last search are in memory, and others are fetched from Milvus."""

    def __init__(self, collection: Collection, count: int) -> None:
        self.collection, self.count = collection, count
        self.found: dict[int, Row] = {}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Row:
        return self.found[number] if number in self.found else self.collection.row(number)

    def __iter__(self) -> Iterator[Row]:
        return self.collection.rows()


def _cell(text: str) -> str:
    """Return a cell that Milvus can hold; the bytes of a file name that are not UTF-8 are written with backslashes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
