package com.tabletop.image.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Why a call failed, with the details that the server sends.
 *
 * @param code the code of gRPC
 * @param message the cause, in English, for developers
 * @param reason the name of an {@code ErrorReason} without its prefix, such as {@code IMAGE_NOT_FOUND}; empty if the
 *     failure is gRPC's own
 * @param metadata what the reason is about
 * @param violations the invalid fields of the request
 * @param retryAfter the time after which the same call may succeed; empty if it will not, or nobody knows
 * @param requestId the id of the call in the logs of the server
 */
public record Failure(
    Status.Code code,
    String message,
    String reason,
    Map<String, String> metadata,
    List<Violation> violations,
    Optional<Duration> retryAfter,
    String requestId) {

  /**
   * An invalid field of a request.
   *
   * @param field the path of the field, for example {@code size.width}
   * @param description what is wrong, and the allowed values
   */
  public record Violation(String field, String description) {}

  /**
   * Decodes the error of a call: a {@link io.grpc.StatusException} or {@link io.grpc.StatusRuntimeException}.
   *
   * @throws IllegalArgumentException if the details are malformed
   */
  public static Failure of(Throwable error) {
    Status status = Status.fromThrowable(error);
    com.google.rpc.Status details = StatusProto.fromThrowable(error);
    ErrorInfo info = ErrorInfo.getDefaultInstance();
    BadRequest badRequest = BadRequest.getDefaultInstance();
    Optional<Duration> retryAfter = Optional.empty();
    RequestInfo request = RequestInfo.getDefaultInstance();
    try {
      for (Any detail : details == null ? List.<Any>of() : details.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          info = detail.unpack(ErrorInfo.class);
        } else if (detail.is(BadRequest.class)) {
          badRequest = detail.unpack(BadRequest.class);
        } else if (detail.is(RetryInfo.class)) {
          var delay = detail.unpack(RetryInfo.class).getRetryDelay();
          retryAfter = Optional.of(Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
        } else if (detail.is(RequestInfo.class)) {
          request = detail.unpack(RequestInfo.class);
        }
      }
    } catch (InvalidProtocolBufferException malformed) {
      throw new IllegalArgumentException("malformed error details", malformed);
    }
    return new Failure(
        status.getCode(),
        Optional.ofNullable(status.getDescription()).orElse(""),
        info.getReason(),
        info.getMetadataMap(),
        badRequest.getFieldViolationsList().stream()
            .map(violation -> new Violation(violation.getField(), violation.getDescription()))
            .toList(),
        retryAfter,
        request.getRequestId());
  }
}
