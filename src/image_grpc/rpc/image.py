"""ImageService."""

from collections.abc import AsyncIterator

from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceServicer

from image_grpc.fair_slots import FairSlots
from image_grpc.images import ContentReader, ImageLibrary, ImageWatcher, Uploader
from image_grpc.paging import page_size
from image_grpc.rpc import Context
from image_grpc.rpc.admission import transfer_slot


class ImageServicer(ImageServiceServicer):
    """Stored pictures. Requests are valid by the contract's rules."""

    def __init__(
        self,
        library: ImageLibrary,
        content: ContentReader,
        uploader: Uploader,
        watcher: ImageWatcher,
        *,
        max_uploads: int,
        max_downloads: int,
    ) -> None:
        self._library, self._content = library, content
        self._uploader, self._watcher = uploader, watcher
        # Each holds megabytes: what was received of an upload, what was written for a reader that stalls.
        self._uploads, self._downloads = FairSlots(max_uploads), FairSlots(max_downloads)

    async def GetImage(self, request: pb.GetImageRequest, context: Context) -> pb.GetImageResponse:
        image = await self._library.get(request.image_id, request.version, include_deleted=request.show_deleted)
        return pb.GetImageResponse(image=image)

    async def BatchGetImages(self, request: pb.BatchGetImagesRequest, context: Context) -> pb.BatchGetImagesResponse:
        images, missing = await self._library.get_many(request.image_ids)
        return pb.BatchGetImagesResponse(images=images, missing_image_ids=missing)

    async def ListImages(self, request: pb.ListImagesRequest, context: Context) -> pb.ListImagesResponse:
        images, token = await self._library.list(request, page_size(request))
        return pb.ListImagesResponse(images=images, next_page_token=token)

    async def DeleteImage(self, request: pb.DeleteImageRequest, context: Context) -> pb.DeleteImageResponse:
        return pb.DeleteImageResponse(image=await self._library.delete(request))

    async def UndeleteImage(self, request: pb.UndeleteImageRequest, context: Context) -> pb.UndeleteImageResponse:
        return pb.UndeleteImageResponse(image=await self._library.undelete(request))

    async def UploadImage(
        self, request_iterator: AsyncIterator[pb.UploadImageRequest], context: Context
    ) -> pb.UploadImageResponse:
        async with transfer_slot(self._uploads, "pictures are being uploaded"):
            return pb.UploadImageResponse(image=await self._uploader.upload(request_iterator))

    async def ReadImage(self, request: pb.ReadImageRequest, context: Context) -> AsyncIterator[pb.ReadImageResponse]:
        async with transfer_slot(self._downloads, "pictures are being read"):
            content = await self._content.open(request)
            yield pb.ReadImageResponse(content=content.description)
            async for data in content.chunks():
                yield pb.ReadImageResponse(data=data)

    async def ListImageVersions(
        self, request: pb.ListImageVersionsRequest, context: Context
    ) -> pb.ListImageVersionsResponse:
        images, token = await self._library.list_versions(request, page_size(request))
        return pb.ListImageVersionsResponse(images=images, next_page_token=token)

    async def RestoreImageVersion(
        self, request: pb.RestoreImageVersionRequest, context: Context
    ) -> pb.RestoreImageVersionResponse:
        return pb.RestoreImageVersionResponse(image=await self._library.restore_version(request))

    async def WatchImages(
        self, request: pb.WatchImagesRequest, context: Context
    ) -> AsyncIterator[pb.WatchImagesResponse]:
        async for response in self._watcher.watch(request):
            yield response
