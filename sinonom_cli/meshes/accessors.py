"""Read the arrays of a glTF file: accessors into buffer views, which may be packed, strided, sparse or quantized."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
"""Numpy's type of each component type of accessors (glTF 2.0 specification, section 3.6.2.2)."""
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")


class Arrays:
    """Accessors of a glTF document, which are read on demand.

    Parameters
    ----------
    document : the file's JSON.
    buffers : the bytes of each buffer.
    """

    def __init__(self, document: dict[str, Any], buffers: list[bytes]) -> None:
        self.accessors: list[Any] = document.get("accessors", [])
        self.views: list[Any] = document.get("bufferViews", [])
        self.buffers = buffers

    def read(self, index: int) -> "NDArray[Any]":
        """Return an accessor's values, (N, width); normalized integers become fractions.

        Raises
        ------
        ValueError
            If the accessor reaches beyond its buffer, or promises more values than the file has bytes.
        """
        import numpy as np

        accessor = self._at(self.accessors, index, "accessor")
        count, kind = int(accessor["count"]), accessor["componentType"]
        dtype, width = np.dtype(TYPES[kind]), WIDTHS[accessor["type"]]
        if "bufferView" in accessor:
            values = self._strided(accessor["bufferView"], accessor.get("byteOffset", 0), dtype, count, width)
        else:
            if count > sum(map(len, self.buffers)):
                raise ValueError(f"accessor {index} promises {count:,} values and holds none")
            values = np.zeros((count, width), dtype)
        if "sparse" in accessor:
            values = self._with_sparse(values, accessor["sparse"])
        if accessor.get("normalized") and dtype.kind in "iu":
            return np.maximum(values / float(np.iinfo(dtype).max), -1.0)
        return values

    def bytes_of(self, index: int) -> bytes:
        """Return the bytes of a buffer view.

        Raises
        ------
        ValueError
            If the view reaches beyond its buffer, or is compressed.
        """
        view = self._at(self.views, index, "view")
        packed = [name for name in MESHOPT if name in view.get("extensions", {})]
        start, length = int(view.get("byteOffset", 0)), int(view["byteLength"])
        number = view["buffer"]
        held = len(self.buffers[number]) if isinstance(number, int) and 0 <= number < len(self.buffers) else 0
        if packed and start + length > held:  # otherwise the file holds the same data uncompressed
            raise ValueError(f"its data are compressed by {packed[0]}, which is not read here")
        buffer = self._at(self.buffers, number, "buffer")
        if not 0 <= start <= start + length <= held:
            raise ValueError(f"cut short: view {index} ends at byte {start + length:,} of {held:,}")
        return buffer[start : start + length]

    def _strided(self, view: int, offset: int, dtype: "np.dtype[Any]", count: int, width: int) -> "NDArray[Any]":
        import numpy as np

        content, row = self.bytes_of(view), dtype.itemsize * width
        stride = int(self.views[view].get("byteStride", 0)) or row
        if min(count, offset) < 0 or stride < row:
            raise ValueError(f"view {view} cannot have a stride of {stride} bytes from offset {offset}")
        if not count:
            return np.zeros((0, width), dtype)
        stride = row if count == 1 else stride
        if offset + (count - 1) * stride + row > len(content):
            raise ValueError(f"cut short: {count:,} values are promised, view {view} has {len(content):,} bytes")
        shape, strides = (count, width), (stride, dtype.itemsize)
        return np.ndarray(shape, dtype, content, offset, strides).copy()

    def _with_sparse(self, values: "NDArray[Any]", sparse: dict[str, Any]) -> "NDArray[Any]":
        """Return values, some of them replaced by the sparse ones that the file stores separately."""
        import numpy as np

        count, (where, what) = int(sparse["count"]), (sparse["indices"], sparse["values"])
        places = self._strided(
            where["bufferView"], where.get("byteOffset", 0), np.dtype(TYPES[where["componentType"]]), count, 1
        )
        others = self._strided(what["bufferView"], what.get("byteOffset", 0), values.dtype, count, values.shape[1])
        if count and places.max() >= len(values):
            raise ValueError(f"a sparse accessor replaces value {places.max()} of {len(values):,}")
        values[places[:, 0]] = others
        return values

    @staticmethod
    def _at(things: list[Any], index: Any, name: str) -> Any:
        if not isinstance(index, int) or not 0 <= index < len(things):
            raise ValueError(f"there is no {name} {index}")
        return things[index]
