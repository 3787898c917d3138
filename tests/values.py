"""Values for properties: any JSON that a peer can have decoded on our side."""

from __future__ import annotations

from hypothesis import strategies as st

# Without surrogates and infinities: the decoder lets neither pass.
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["null", "nan", "-Infinity", "1e999", "0", "true", "36.7", " 1", 10**40, -(10**40), 1 << 64]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
