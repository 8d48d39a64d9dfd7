"""Types of table columns, and how each encodes its cells as category codes and positions.

Every type is a frozen pydantic model with the methods of `ColumnCodec`, fitted by `infer_column`.
A column is independent of the others; `TableCodec` joins their fields to one row.
"""

from __future__ import annotations
