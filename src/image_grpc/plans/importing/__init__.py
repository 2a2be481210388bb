"""Files of other programs as floor plans."""

from image_grpc.plans.importing.files import Imported, import_file
from image_grpc.plans.importing.reading import BadFile

__all__ = ["BadFile", "Imported", "import_file"]
