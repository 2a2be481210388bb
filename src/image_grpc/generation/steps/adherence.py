"""Whether a picture follows its layout closely enough, or another one is generated."""

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord, Try
from tabletop.image.v1.map_pb2 import Fidelity

from image_grpc.generation.requests import complete_request, kind_in, picture_in
from image_grpc.workers import RENDERING


async def measured(record: GenerationRecord, picture: bytes) -> Fidelity | None:
    """Return how well a picture follows the layout of a generation; None if that has none. Raises BadPicture."""
    request = complete_request(record)
    kind, wanted = kind_in(request), picture_in(request)
    if not kind.has_layout(wanted):
        return None
    return await RENDERING.run(lambda: kind.fidelity(wanted, picture))


def wants_another(record: GenerationRecord, fidelity: Fidelity) -> bool:
    """Whether another picture is generated, because this one does not follow the layout as closely as required."""
    request = complete_request(record)
    adherence = kind_in(request).adherence(picture_in(request))
    tries = len(record.tries) + 1
    return not record.settled and fidelity.score < adherence.min_score and tries < adherence.max_tries


def best_earlier(record: GenerationRecord, fidelity: Fidelity) -> Try | None:
    """Return the earlier picture that follows the layout best; None if none follows it better than this one."""
    best = max(record.tries, key=lambda each: each.fidelity.score, default=None)
    return best if best is not None and best.fidelity.score > fidelity.score else None
