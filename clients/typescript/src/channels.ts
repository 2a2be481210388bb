/** Channels to a server: TLS, the caller's token, the retry policy, and a deadline for calls that set none. */

import { readFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";

import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import { lostConnections } from "./lost_connections.js";
import { retryPolicy, type ServiceConfig } from "./retry_policy.js";

/** The retry policy for clients in any language. If a call may have been made, only a read is repeated. */
const SERVICE_CONFIG = new URL("./service_config.json", import.meta.url);

/**
 * Beyond its default of 10 MB of unsent data, Node.js drops the responses to other calls, which then hang until their
 * deadlines. Each upload in progress has up to 1 MiB.
 */
const MAX_SESSION_MEGABYTES = 1000;

/** What a channel adds to its calls, and how it connects. */
export interface ChannelOptions {
  /** An API key or a JWT. */
  readonly token?: string | undefined;
  /**
   * TLS: `ca` with the server's authorities in PEM (default: those of Node.js), for mutual TLS also `cert` and `key`.
   * Unset: the connection is not encrypted.
   */
  readonly tls?: SecureClientSessionOptions | undefined;
  /** The timeout of calls that set none, streams as well. Unset: never. */
  readonly timeoutMs?: number | undefined;
  /** Further interceptors, for example for tracing. They see a repeated call once. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

/** A connection for the clients that `createClient` of Connect creates. */
export interface Channel extends Transport {
  /** Close the connection, and cancel the calls in progress. */
  close(): void;
}

/** Return a channel to the server at `target`, `host:port`. It connects with the first call. */
export function openChannel(target: string, options: ChannelOptions = {}): Channel {
  const { token, tls, timeoutMs, interceptors = [] } = options;
  const baseUrl = `${tls ? "https" : "http"}://${target}`;
  const sessionOptions = { maxSessionMemory: MAX_SESSION_MEGABYTES, ...tls };
  const sessionManager = new Http2SessionManager(baseUrl, undefined, sessionOptions);
  const serviceConfig = JSON.parse(readFileSync(SERVICE_CONFIG, "utf8")) as ServiceConfig;
  let closed = false;
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [
      ...interceptors,
      ...(token ? [authorization(token)] : []),
      retryPolicy(serviceConfig),
      lostConnections(() => closed),
    ],
    ...(timeoutMs === undefined ? {} : { defaultTimeoutMs: timeoutMs }),
  });
  return {
    unary: transport.unary,
    async stream(method, signal, ...rest) {
      const response = await transport.stream(method, signal, ...rest);
      return signal ? { ...response, message: readAfterAbort(response.message, signal) } : response;
    },
    close() {
      closed = true;
      sessionManager.abort();
    },
  };
}

/**
 * Yield the messages, and read once more when the signal is aborted, because nobody else may: Connect stops the timer
 * of the deadline only when a read ends the stream, and until then the timer keeps the process running.
 */
async function* readAfterAbort<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const read = () => void messages[Symbol.asyncIterator]().next().catch(() => {});
  signal.addEventListener("abort", read);
  try {
    yield* messages;
  } finally {
    signal.removeEventListener("abort", read);
  }
}

function authorization(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
