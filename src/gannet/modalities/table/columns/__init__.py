"""What a table's columns can be, and how the cells of each become symbols and places.

Every type is a frozen pydantic model with the same few methods (`Slot`), built by looking at
the cells (`look`). A column knows nothing of its neighbours; `codecs.table` puts them side by side.
"""

from __future__ import annotations
