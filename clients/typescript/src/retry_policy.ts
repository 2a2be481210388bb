/** The retry policy of a gRPC service config, which Connect does not apply by itself. */

import { setTimeout as sleep } from "node:timers/promises";

import type { Message } from "@bufbuild/protobuf";
import { ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";

import { codeName } from "./failures.js";

/** The part of a gRPC service config that is applied. */
export interface ServiceConfig {
  readonly methodConfig: readonly {
    /** The methods. Without `method`, all other methods of the service. */
    readonly name: readonly { readonly service: string; readonly method?: string }[];
    readonly retryPolicy: RetryPolicy;
  }[];
}

interface RetryPolicy {
  readonly maxAttempts: number;
  /** Seconds, for example `0.1s`. */
  readonly initialBackoff: string;
  readonly maxBackoff: string;
  readonly backoffMultiplier: number;
  readonly retryableStatusCodes: readonly string[];
}

/**
 * Return an interceptor that repeats failed calls as gRPC does: until the server has started to respond, after the
 * delay that it names or else a growing one, and within the deadline of the call. Streams of requests are not repeated.
 */
export function retryPolicy({ methodConfig }: ServiceConfig): Interceptor {
  const policies = new Map<string, RetryPolicy>();
  for (const { name, retryPolicy } of methodConfig) {
    for (const { service, method = "*" } of name) {
      policies.set(`${service}/${method}`, retryPolicy);
    }
  }
  return (next) => async (request) => {
    const { parent, name, methodKind } = request.method;
    const policy = policies.get(`${parent.typeName}/${name}`) ?? policies.get(`${parent.typeName}/*`);
    if (policy === undefined || methodKind === "client_streaming" || methodKind === "bidi_streaming") {
      return next(request);
    }
    const repeatable = await withRepeatableMessage(request);
    const setRemainingTimeout = timeoutSetter(request.header);
    const { maxAttempts, backoffMultiplier, retryableStatusCodes } = policy;
    let backoffMs = milliseconds(policy.initialBackoff);
    for (let attempt = 1; ; attempt++) {
      try {
        return await next(repeatable);
      } catch (reason) {
        const error = ConnectError.from(reason);
        const pushback = error.metadata.get("grpc-retry-pushback-ms");
        if (
          attempt >= maxAttempts ||
          !retryableStatusCodes.includes(codeName(error.code)) ||
          !/^\d*$/.test(pushback ?? "") // negative: the server does not want a repetition
        ) {
          throw error;
        }
        if (pushback) {
          backoffMs = milliseconds(policy.initialBackoff);
          await sleep(Number(pushback), undefined, { signal: request.signal });
        } else {
          await sleep(backoffMs * (0.8 + 0.4 * Math.random()), undefined, { signal: request.signal });
          backoffMs = Math.min(backoffMs * backoffMultiplier, milliseconds(policy.maxBackoff));
        }
        setRemainingTimeout();
      }
    }
  };
}

/** Return the request with a message that every attempt can send: Connect passes that of a stream as a generator. */
async function withRepeatableMessage(request: UnaryRequest | StreamRequest): Promise<UnaryRequest | StreamRequest> {
  if (!request.stream) {
    return request;
  }
  const messages: Message[] = [];
  for await (const message of request.message) {
    messages.push(message);
  }
  return {
    ...request,
    message: {
      async *[Symbol.asyncIterator]() {
        yield* messages;
      },
    },
  };
}

/** Return a function that sets the timeout that the server sees to the remaining one. */
function timeoutSetter(header: Headers): () => void {
  const timeoutMs = parseInt(header.get("grpc-timeout") ?? "");
  const deadline = performance.now() + timeoutMs;
  return () => {
    if (!Number.isNaN(timeoutMs)) {
      header.set("grpc-timeout", `${Math.max(1, Math.round(deadline - performance.now()))}m`);
    }
  };
}

function milliseconds(duration: string): number {
  return parseFloat(duration) * 1000;
}
