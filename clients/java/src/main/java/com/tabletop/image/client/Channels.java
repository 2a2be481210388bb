package com.tabletop.image.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Channels to a server: the retry policy, the caller's token, and a deadline for calls that set none. */
public final class Channels {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private Channels() {}

  /**
   * Returns a builder of channels to the server at {@code target}, {@code host:port}, with the retry policy for clients
   * in any language: if a call may have been made, only a read is repeated.
   *
   * <p>{@link io.grpc.TlsChannelCredentials} are for TLS and mutual TLS, {@link io.grpc.InsecureChannelCredentials} for
   * connections without encryption.
   */
  public static ManagedChannelBuilder<?> newBuilder(String target, ChannelCredentials credentials) {
    return Grpc.newChannelBuilder(target, credentials).defaultServiceConfig(serviceConfig()).enableRetry();
  }

  /** Returns an interceptor that sends {@code token}, an API key or a JWT, with each call. */
  public static ClientInterceptor token(String token) {
    Metadata headers = new Metadata();
    headers.put(AUTHORIZATION, "Bearer " + token);
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  /** Returns an interceptor that ends calls after {@code timeout}, streams as well, if they have no other deadline. */
  public static ClientInterceptor defaultTimeout(Duration timeout) {
    return new ClientInterceptor() {
      @Override
      public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        boolean limited = options.getDeadline() != null || Context.current().getDeadline() != null;
        return next.newCall(
            method, limited ? options : options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS));
      }
    };
  }

  private static Map<String, ?> serviceConfig() {
    try (Reader reader =
        new InputStreamReader(Channels.class.getResourceAsStream("service_config.json"), UTF_8)) {
      return new Gson().fromJson(reader, new TypeToken<Map<String, ?>>() {});
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
