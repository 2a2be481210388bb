using Google.Rpc;
using Grpc.Core;

namespace Tabletop.Image.Client;

/// <summary>An invalid field of a request.</summary>
/// <param name="Field">The path of the field, for example <c>size.width</c>.</param>
/// <param name="Description">What is wrong, and the allowed values.</param>
public sealed record Violation(string Field, string Description);

/// <summary>Why a call failed, with the details that the server sends.</summary>
/// <param name="Code">The code of gRPC.</param>
/// <param name="Message">The cause, in English, for developers.</param>
/// <param name="Reason">
/// The name of an ErrorReason without its prefix, for example <c>IMAGE_NOT_FOUND</c>. Empty if the failure is gRPC's own.
/// </param>
/// <param name="Metadata">What the reason is about.</param>
/// <param name="Violations">The invalid fields of the request.</param>
/// <param name="RetryAfter">The time after which the same call may succeed; null if it will not, or nobody knows.</param>
/// <param name="RequestId">The id of the call in the logs of the server.</param>
public sealed record Failure(
    StatusCode Code,
    string Message,
    string Reason,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<Violation> Violations,
    TimeSpan? RetryAfter,
    string RequestId)
{
    /// <summary>Decodes the error of a call.</summary>
    public static Failure Of(RpcException error)
    {
        var details = error.GetRpcStatus();
        var info = details?.GetDetail<ErrorInfo>() ?? new ErrorInfo();
        var badRequest = details?.GetDetail<BadRequest>() ?? new BadRequest();
        return new Failure(
            error.StatusCode,
            error.Status.Detail,
            info.Reason,
            new Dictionary<string, string>(info.Metadata),
            badRequest.FieldViolations.Select(each => new Violation(each.Field, each.Description)).ToList(),
            details?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan(),
            details?.GetDetail<RequestInfo>()?.RequestId ?? "");
    }
}
