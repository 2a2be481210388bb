"""The models of the stand-in: plausible values in the format of the real catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

_WIDE_RATIOS = ("1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "21:9")
_CLASSIC_RATIOS = ("1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3")


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """An image model of the catalog."""

    id: str
    name: str
    created_at: str
    """ISO 8601 time."""

    aspect_ratios: tuple[str, ...]
    """Supported values; the first is the default."""

    resolutions: tuple[str, ...]
    """Supported values; the first is the default."""

    max_references: int
    """Reference images allowed per request."""

    prices: Mapping[str, Decimal]
    """USD per picture, by resolution."""

    lists_rates: bool = True
    """Whether the catalog lists the prices; a model without listed rates is billed nevertheless."""

    def to_json(self) -> dict[str, object]:
        """Return the model in the format of `GET /v2/models`."""
        return {
            "id": self.id,
            "name": self.name,
            "type": "image",
            "created_at": self.created_at,
            "supported_aspect_ratios": list(self.aspect_ratios),
            "supported_resolutions": list(self.resolutions),
            "supported_references": {"reference_image": self.max_references} if self.max_references else {},
            "supported_durations": [],
            "supports_sound": False,
            "pricing": {"currency": "USD", "rates": self._rates()},
        }

    def _rates(self) -> list[dict[str, object]]:
        if not self.lists_rates:
            return []
        single_price = len(set(self.prices.values())) == 1
        rates = {None: next(iter(self.prices.values()))} if single_price else self.prices
        return [
            {"billable_unit": "image", "resolution": resolution, "sound": "not_applicable", "unit_price": str(price)}
            for resolution, price in sorted(rates.items(), key=lambda rate: rate[1])
        ]


def pixel_size(aspect_ratio: str, resolution: str) -> tuple[int, int]:
    """Return width and height in pixels for an aspect ratio ("16:9") and a resolution ("2K").

    nK is an area of about (n * 1024)^2 pixels; each side is rounded to a multiple of 8.
    """
    across, down = (int(part) for part in aspect_ratio.split(":"))
    side = int(resolution.removesuffix("K")) * 1024
    return _to_multiple_of_8(side * sqrt(across / down)), _to_multiple_of_8(side * sqrt(down / across))


def _to_multiple_of_8(length: float) -> int:
    return max(8, round(length / 8) * 8)


MODELS: Mapping[str, Model] = {
    model.id: model
    for model in (
        Model(
            id="seedream-5-lite",
            name="Seedream 5 Lite",
            created_at="2026-02-24T10:00:00Z",
            aspect_ratios=_WIDE_RATIOS,
            resolutions=("1K", "2K"),
            max_references=10,
            prices={"1K": Decimal("0.035"), "2K": Decimal("0.035")},
        ),
        Model(
            id="seedream-4-5",
            name="Seedream 4.5",
            created_at="2025-12-03T10:00:00Z",
            aspect_ratios=_WIDE_RATIOS,
            resolutions=("2K", "4K"),
            max_references=10,
            prices={"2K": Decimal("0.04"), "4K": Decimal("0.04")},
        ),
        Model(
            id="gpt-image-2",
            name="GPT Image 2",
            created_at="2026-04-21T10:00:00Z",
            aspect_ratios=("1:1", "3:2", "2:3"),
            resolutions=("1K", "2K"),
            max_references=16,
            prices={"1K": Decimal("0.053"), "2K": Decimal("0.12")},
        ),
        Model(
            id="z-image-turbo",
            name="Z-Image Turbo",
            created_at="2025-11-27T10:00:00Z",
            aspect_ratios=_CLASSIC_RATIOS,
            resolutions=("1K",),
            max_references=0,
            prices={"1K": Decimal("0.005")},
        ),
        Model(
            id="gemini-3-1-flash-image",
            name="Gemini 3.1 Flash Image",
            created_at="2026-02-26T10:00:00Z",
            aspect_ratios=_WIDE_RATIOS,
            resolutions=("1K", "2K", "4K"),
            max_references=14,
            prices={"1K": Decimal("0.067"), "2K": Decimal("0.101"), "4K": Decimal("0.151")},
            lists_rates=False,
        ),
    )
}
