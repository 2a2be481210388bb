"""Page tokens resume the listing that they were issued for, and no other."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc import page_tokens
from image_grpc.page_tokens import InvalidPageToken

LISTING = b"themes, by name"


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_position_survives_the_round_trip(position: bytes, listing: bytes) -> None:
    token = page_tokens.encode(position, listing=listing)
    assert page_tokens.decode(token, listing=listing) == position


@given(st.binary(max_size=50))
def test_a_token_needs_no_escaping_in_a_url(position: bytes) -> None:
    assert set(page_tokens.encode(position, listing=LISTING)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


@pytest.mark.parametrize("listing", [b"", b"themes", b"themes, by name ", b"models"])
def test_a_token_of_another_listing_is_refused(listing: bytes) -> None:
    token = page_tokens.encode(b"3", listing=listing)
    with pytest.raises(InvalidPageToken, match="was not issued for this listing"):
        page_tokens.decode(token, listing=LISTING)


@given(st.integers(0, 18), st.integers(1, 255))
def test_a_changed_byte_is_detected(index: int, difference: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(page_tokens.encode(b"300", listing=LISTING) + "=="[:2]))
    sealed[index] ^= difference
    with pytest.raises(InvalidPageToken):
        page_tokens.decode(base64.urlsafe_b64encode(sealed).decode(), listing=LISTING)


def test_every_truncated_token_is_refused() -> None:
    token = page_tokens.encode(b"300", listing=LISTING)
    for length in range(len(token)):
        with pytest.raises(InvalidPageToken):
            page_tokens.decode(token[:length], listing=LISTING)


def test_a_position_cannot_move_into_the_listing() -> None:
    token = page_tokens.encode(b"ab", listing=b"list")
    for listing, position in ((b"lista", b"b"), (b"lis", b"tab")):
        assert page_tokens.encode(position, listing=listing) != token


@pytest.mark.parametrize("token", ["ÿ", "²", "a b", "a+b/", "a\n", "🐉", "====", "a" * 5])
def test_text_that_is_not_base64_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        page_tokens.decode(token, listing=LISTING)


def test_a_malformed_token_and_one_of_another_listing_have_different_messages() -> None:
    with pytest.raises(InvalidPageToken, match="is not a page token of this service"):
        page_tokens.decode("not base64!", listing=LISTING)


def test_a_token_that_was_signed_with_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_tokens, "_key", b"")
    unsigned = page_tokens.encode(b"3", listing=LISTING)
    page_tokens.configure("secret")
    signed = page_tokens.encode(b"3", listing=LISTING)
    assert page_tokens.decode(signed, listing=LISTING) == b"3"
    for key, token in (("secret", unsigned), ("other", signed)):
        page_tokens.configure(key)
        with pytest.raises(InvalidPageToken):
            page_tokens.decode(token, listing=LISTING)
