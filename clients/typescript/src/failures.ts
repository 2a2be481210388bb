/** Failed calls with the details that the server sends: reason, invalid fields, and when to try again. */

import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";

import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";

/** An invalid field of a request. */
export interface Violation {
  /** The path of the field, for example `size.width`. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** Why a call failed. */
export interface Failure {
  /** The code in Connect. */
  readonly code: Code;
  /** The name of the code in gRPC, for example `NOT_FOUND`. */
  readonly codeName: string;
  /** The cause and a possible remedy, in English, for developers. */
  readonly message: string;
  /** The value of `ErrorReason` without its prefix, for example `IMAGE_NOT_FOUND`. Empty for failures of gRPC. */
  readonly reason: string;
  /** What the reason is about. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The invalid fields of the request. */
  readonly violations: readonly Violation[];
  /** Milliseconds after which the same call may succeed; undefined if it will not, or nobody knows. */
  readonly retryAfterMs: number | undefined;
  /** The id of the call in the logs of the server. */
  readonly requestId: string;
}

/** Decode the error of a call. */
export function failureOf(reason: unknown): Failure {
  const error = ConnectError.from(reason);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const [request] = error.findDetails(RequestInfoSchema);
  return {
    code: error.code,
    codeName: codeName(error.code),
    message: error.rawMessage,
    reason: info?.reason ?? "",
    metadata: info?.metadata ?? {},
    violations: badRequest?.fieldViolations.map(({ field, description }) => ({ field, description })) ?? [],
    retryAfterMs: retry && (retry.retryDelay ? durationMs(retry.retryDelay) : 0),
    requestId: request?.requestId ?? "",
  };
}

/** Return the name of a code in gRPC, for example `NOT_FOUND`. */
export function codeName(code: Code): string {
  if (code === Code.Canceled) {
    return "CANCELLED"; // spelled differently by Connect
  }
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
