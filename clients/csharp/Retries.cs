using Grpc.Core;

namespace Tabletop.Image.Client;

/// <summary>Repetition of calls that the server asks to repeat.</summary>
/// <remarks>
/// The channel's own retry policy repeats a call a few times. This goes on until a time is up, as often as the server names
/// a delay.
/// </remarks>
public static class Retries
{
    private static readonly TimeSpan MinimumDelay = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// Returns the result of <paramref name="call"/>, which receives its deadline. It is repeated for up to
    /// <paramref name="timeout"/> while it fails with a RetryInfo.
    /// </summary>
    /// <remarks>A write needs a <c>request_id</c>, so that repeating it is safe. Throws the last error.</remarks>
    public static async Task<T> CallWithRetriesAsync<T>(
        Func<DateTime, Task<T>> call, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var deadline = DateTime.UtcNow + timeout;
        while (true)
        {
            try
            {
                return await call(deadline).ConfigureAwait(false);
            }
            catch (RpcException error)
                when (Failure.Of(error).RetryAfter is { } delay && DateTime.UtcNow + delay < deadline)
            {
                await Task.Delay(delay > MinimumDelay ? delay : MinimumDelay, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
