"""Builds the requests that are sent to GetImg.AI, and reads its responses into messages of the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog
from getimg.types import ImageGenerateResponse
from getimg.types.image_generate_params import ImageGenerateParams
from getimg.types.model_list_response import ModelListResponseItem
from tabletop.image.internal.v1.job_pb2 import ProviderResult
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.errors import ApiError
from image_grpc.getimg.pricing import billed_cost
from image_grpc.getimg.sizing import fit_to_model
from image_grpc.messages import now

log = structlog.get_logger(__name__)

_FORMATS: Mapping[ImageFormat, Literal["png", "jpeg", "webp"]] = {
    ImageFormat.IMAGE_FORMAT_PNG: "png",
    ImageFormat.IMAGE_FORMAT_JPEG: "jpeg",
    ImageFormat.IMAGE_FORMAT_WEBP: "webp",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderRequest:
    """A picture to generate."""

    prompt: str
    model: str
    size: Size
    format: ImageFormat
    reference_urls: Sequence[str] = ()
    """https or data URLs."""


def generate_params(request: ProviderRequest, model: Model) -> ImageGenerateParams:
    """Return the parameters of the SDK's `images.generate`."""
    params = ImageGenerateParams(model=request.model, prompt=request.prompt, output_format=_FORMATS[request.format])
    ratio, resolution = fit_to_model(model, request.size)
    if ratio:
        params["aspect_ratio"] = ratio
    if resolution:
        params["resolution"] = resolution
    if request.reference_urls:
        params["images"] = [{"url": url} for url in request.reference_urls]
    return params


def read_result(response: ImageGenerateResponse) -> ProviderResult:
    """Return the generated picture. Raises ApiError if there is none."""
    if not response.data:
        raise ApiError("the response of GetImg.AI contains no picture")
    picture = response.data[0]
    result = ProviderResult(provider_id=response.id, url=picture.url, model=response.model, draw_time=now())
    cost = billed_cost(response.usage)
    if cost is None:
        log.warning("GetImg.AI reported no valid cost", provider_id=response.id)
    else:
        result.cost.CopyFrom(cost)
    result.expire_time.FromDatetime(picture.deletes_at)
    return result


def read_model(item: ModelListResponseItem) -> Model:
    """Return a catalog entry."""
    model = Model(
        id=item.id,
        display_name=item.name,
        aspect_ratios=item.supported_aspect_ratios,
        resolutions=item.supported_resolutions,
        max_reference_images=item.supported_references.get("reference_image", 0),
    )
    for rate in item.pricing.rates:
        model.prices.add(
            resolution=rate.resolution or "",
            unit=rate.billable_unit,
            amount=rate.unit_price,
            currency=item.pricing.currency,
        )
    return model
