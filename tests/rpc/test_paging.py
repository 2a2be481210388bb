"""Paged lists of what is at hand as a whole."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_grpc.rpc.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, page_of, page_size, token_at
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest

from image_grpc.errors import InvalidArgument

lists = st.lists(st.integers(), max_size=300)
sizes = st.integers(0, 2**31 - 1) | st.integers(0, 120)


@given(lists, sizes)
def test_pages_put_together_are_the_list(items: list[int], size: int) -> None:
    seen: list[int] = []
    token = ""
    while True:
        request = ListThemesRequest(page_size=size, page_token=token)
        page, token = page_of(items, request)
        assert len(page) <= page_size(request) <= MAX_PAGE_SIZE
        seen += page
        if not token:
            break
        assert page, "an empty page is the last"
    assert seen == items


def test_no_size_is_the_default_and_too_large_a_one_the_most() -> None:
    assert page_size(ListThemesRequest()) == DEFAULT_PAGE_SIZE == 50
    assert page_size(ListThemesRequest(page_size=101)) == MAX_PAGE_SIZE == 100


@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        page_of(range(3), ListThemesRequest(page_token=token.encode(errors="replace").decode()))
    assert [violation.field for violation in refused.value.violations] == ["page_token"]


@pytest.mark.parametrize("start", ["0", "3", "4", "-1", "1.5", "²", " 1", "", "1" * 5000])
def test_a_token_that_leads_outside_of_the_list_is_refused(start: str) -> None:
    ours = base64.urlsafe_b64decode(token_at(1, ListThemesRequest())).decode()
    token = base64.urlsafe_b64encode(f"{ours[:-1]}{start}".encode()).decode()
    with pytest.raises(InvalidArgument):
        page_of(range(3), ListThemesRequest(page_token=token))
