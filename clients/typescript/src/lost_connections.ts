/** Lost connections, which are UNAVAILABLE in gRPC, and which Connect reports as if the call had been canceled. */

import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

/** Return an interceptor that reports a lost connection as UNAVAILABLE, unless the channel was closed. */
export function lostConnections(isClosed: () => boolean): Interceptor {
  return (next) => async (request) => {
    const rethrow = (reason: unknown): never => {
      const error = ConnectError.from(reason);
      const isFromServer = !error.metadata.keys().next().done;
      const isIntended = request.signal.aborted || isClosed();
      if (isFromServer || isIntended || ![Code.Canceled, Code.Aborted].includes(error.code)) {
        throw error;
      }
      throw new ConnectError(error.rawMessage, Code.Unavailable, undefined, undefined, error);
    };
    const response = await next(request).catch(rethrow);
    if (!response.stream) {
      return response;
    }
    async function* messages<T>(original: AsyncIterable<T>): AsyncIterable<T> {
      try {
        yield* original;
      } catch (reason) {
        rethrow(reason);
      }
    }
    return { ...response, message: messages(response.message) };
  };
}
