/**
 * Repetition of calls that the server asks to repeat.
 *
 * The channel's own retry policy repeats a call a few times. This function goes on until a time is up, as often as the
 * server names a delay.
 */

import { setTimeout as sleep } from "node:timers/promises";

import { failureOf } from "./failures.js";

/**
 * Return the result of `call`, which receives the remaining milliseconds.
 *
 * It is repeated for up to `timeoutMs` while it fails with a RetryInfo. A write needs a `requestId`, so that repeating
 * it is safe. Throws the last error.
 */
export async function callWithRetries<T>(
  call: (timeoutMs: number) => Promise<T>,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      // Connect takes whole milliseconds, and 0 for no timeout.
      return await call(Math.max(1, Math.round(deadline - performance.now())));
    } catch (error) {
      const { retryAfterMs } = failureOf(error);
      if (retryAfterMs === undefined || performance.now() + retryAfterMs >= deadline) {
        throw error;
      }
      await sleep(retryAfterMs);
    }
  }
}
