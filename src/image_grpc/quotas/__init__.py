"""What callers may use: calls per second, concurrent calls and streams, pictures and money per day."""

from image_grpc.quotas.admission import CallerQuotas
from image_grpc.quotas.limits import LimitedCaller, Limits, LimitsFile, limited

__all__ = ["CallerQuotas", "LimitedCaller", "Limits", "LimitsFile", "limited"]
