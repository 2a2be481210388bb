"""Pages of lists that are in memory as a whole."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.generation_service_pb2 import ListModelsRequest
from tabletop.image.v1.overlay_service_pb2 import ListOverlaysRequest
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest

from image_grpc import page_tokens
from image_grpc.errors import InvalidArgument
from image_grpc.idempotency import content_digest
from image_grpc.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Pager, page_size

lists = st.lists(st.integers(), max_size=300)
sizes = st.integers(0, 2**31 - 1) | st.integers(0, 120)


@given(lists, sizes)
def test_the_pages_together_are_the_list(items: list[int], size: int) -> None:
    collected: list[int] = []
    token = ""
    while True:
        pager = Pager(ListThemesRequest(page_size=size, page_token=token), items)
        page, token = pager.items(), pager.next_page_token
        assert len(page) <= (size or DEFAULT_PAGE_SIZE)
        assert len(page) <= MAX_PAGE_SIZE
        collected += page
        if not token:
            break
        assert len(page) == min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE), "only the last page is short"
    assert collected == items


def test_the_page_size_has_a_default_and_a_maximum() -> None:
    assert page_size(ListThemesRequest()) == DEFAULT_PAGE_SIZE == 50
    assert page_size(ListThemesRequest(page_size=99)) == 99
    assert page_size(ListThemesRequest(page_size=101)) == MAX_PAGE_SIZE == 100


def test_a_page_has_the_positions_of_its_items() -> None:
    first = Pager(ListThemesRequest(page_size=2), "abcde")
    assert list(first.page()) == [(0, "a"), (1, "b")]
    second = Pager(ListThemesRequest(page_size=2, page_token=first.next_page_token), "abcde")
    assert list(second.page()) == [(2, "c"), (3, "d")]
    assert second.items() == ["c", "d"]


def test_a_listing_can_be_resumed_at_any_item() -> None:
    token = Pager(ListThemesRequest(page_size=4), "abcde").token_at(1)
    assert Pager(ListThemesRequest(page_size=4, page_token=token), "abcde").items() == ["b", "c", "d", "e"]


def test_the_page_size_may_change_between_pages() -> None:
    token = Pager(ListThemesRequest(page_size=1), "abcde").next_page_token
    assert Pager(ListThemesRequest(page_size=3, page_token=token), "abcde").items() == ["b", "c", "d"]


def test_the_last_page_has_no_token_however_it_ends() -> None:
    for size in (3, 4, 100):
        assert Pager(ListThemesRequest(page_size=size), "abc").next_page_token == ""
    assert Pager(ListThemesRequest(page_size=2), "abc").next_page_token
    assert Pager(ListThemesRequest(), "").items() == []


def refused(request: ListThemesRequest | ListOverlaysRequest, items: str = "abc") -> str:
    """Return the message of the refusal of a page token."""
    with pytest.raises(InvalidArgument) as error:
        Pager(request, items)
    [violation] = error.value.violations
    assert violation.field == "page_token"
    return violation.description


@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_a_forged_token_is_refused(token: str) -> None:
    refused(ListThemesRequest(page_token=token.encode(errors="replace").decode()))


def test_a_token_of_another_listing_is_refused() -> None:
    of_models = Pager(ListModelsRequest(page_size=1), "abc").next_page_token
    assert "was not issued for this listing" in refused(ListThemesRequest(page_token=of_models))
    of_one_map = Pager(ListOverlaysRequest(map_id="one", page_size=1), "abc").next_page_token
    assert Pager(ListOverlaysRequest(map_id="one", page_token=of_one_map), "abc").items() == ["b", "c"]
    assert "with these filters" in refused(ListOverlaysRequest(map_id="other", page_token=of_one_map))


@pytest.mark.parametrize("position", [-1, 0, 3, 4, 10**30])
def test_a_position_outside_of_the_list_is_refused(position: int) -> None:
    token = Pager(ListThemesRequest(), "abc").token_at(position)
    assert refused(ListThemesRequest(page_token=token)) == "is past the end of the list"


@pytest.mark.parametrize("position", ["1.5", "²", "", "x", " 1", "+1", "1_0", "1" * 5000])
def test_a_position_that_is_not_a_number_is_refused(position: str) -> None:
    listing = content_digest(ListThemesRequest()).encode()
    refused(ListThemesRequest(page_token=page_tokens.encode(position.encode(), listing=listing)))
