package com.tabletop.image.client;

import io.grpc.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Repetition of calls that the server asks to repeat.
 *
 * <p>The channel's own retry policy repeats a call a few times. This goes on until a time is up, as often as the server
 * names a delay.
 */
public final class Retries {
  private Retries() {}

  /**
   * A call that can be repeated.
   *
   * @param <T> the type of the result
   * @param <E> the checked exception of the call; {@link RuntimeException} if it has none
   */
  @FunctionalInterface
  public interface Call<T, E extends Exception> {
    /** Makes the call, to end by {@code deadline}. */
    T apply(Deadline deadline) throws E, InterruptedException;
  }

  /**
   * Returns the result of {@code call}, which is repeated for up to {@code timeout} while it fails with a RetryInfo.
   *
   * <p>A write needs a {@code request_id}, so that repeating it is safe. Throws the last error.
   */
  public static <T, E extends Exception> T callWithRetries(Duration timeout, Call<T, E> call)
      throws E, InterruptedException {
    Deadline deadline = Deadline.after(timeout.toNanos(), TimeUnit.NANOSECONDS);
    while (true) {
      try {
        return call.apply(deadline);
      } catch (Exception error) {
        Optional<Duration> delay = Failure.of(error).retryAfter();
        if (delay.isEmpty() || delay.get().toNanos() >= deadline.timeRemaining(TimeUnit.NANOSECONDS)) {
          throw error;
        }
        TimeUnit.NANOSECONDS.sleep(Math.max(delay.get().toNanos(), 1_000_000));
      }
    }
  }
}
