using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

namespace Tabletop.Image.Client;

/// <summary>Channels to a server: TLS, retry policy, the caller's token, and a deadline for calls that set none.</summary>
public static class Channels
{
    /// <summary>
    /// Returns a channel to the server at <paramref name="target"/>, <c>host:port</c>, with the retry policy for clients in
    /// any language: if a call may have been made, only a read is repeated.
    /// </summary>
    /// <remarks>Without <paramref name="tls"/> the connection is not encrypted.</remarks>
    public static GrpcChannel Open(string target, SslClientAuthenticationOptions? tls = null)
    {
        var options = new GrpcChannelOptions { ServiceConfig = ReadServiceConfig() };
        if (tls is not null)
        {
            options.HttpHandler = new SocketsHttpHandler { SslOptions = tls, EnableMultipleHttp2Connections = true };
            options.DisposeHttpClient = true;
        }

        return GrpcChannel.ForAddress($"{(tls is null ? "http" : "https")}://{target}", options);
    }

    /// <summary>
    /// Returns options for TLS from PEM files: the server's authorities and, for mutual TLS, the client's own certificate.
    /// </summary>
    /// <remarks>Without <paramref name="caFile"/>, the authorities of the system are trusted.</remarks>
    public static SslClientAuthenticationOptions Tls(
        string? caFile = null, string? certificateFile = null, string? keyFile = null)
    {
        var tls = new SslClientAuthenticationOptions();
        if (caFile is not null)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.ImportFromPemFile(caFile);
            tls.CertificateChainPolicy = policy;
        }

        if (certificateFile is not null)
        {
            using var certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
            // TLS on Windows cannot use the key of a PEM file directly.
            var usable = new X509Certificate2(certificate.Export(X509ContentType.Pkcs12));
            tls.ClientCertificates = new X509Certificate2Collection(usable);
        }

        return tls;
    }

    /// <summary>
    /// Returns an invoker for clients whose calls carry <paramref name="token"/>, an API key or a JWT, and end after
    /// <paramref name="timeout"/>, streams as well, if they set no deadline.
    /// </summary>
    public static CallInvoker WithDefaults(this GrpcChannel channel, string token = "", TimeSpan? timeout = null) =>
        channel.Intercept(new Defaults(token, timeout));

    private static ServiceConfig ReadServiceConfig()
    {
        using var stream = typeof(Channels).Assembly.GetManifestResourceStream("service_config.json")!;
        using var document = JsonDocument.Parse(stream);
        var config = new ServiceConfig();
        foreach (var methods in document.RootElement.GetProperty("methodConfig").EnumerateArray())
        {
            config.MethodConfigs.Add(ToMethodConfig(methods));
        }

        return config;
    }

    private static MethodConfig ToMethodConfig(JsonElement methods)
    {
        var config = new MethodConfig { RetryPolicy = ToRetryPolicy(methods.GetProperty("retryPolicy")) };
        foreach (var name in methods.GetProperty("name").EnumerateArray())
        {
            config.Names.Add(new MethodName
            {
                Service = name.GetProperty("service").GetString(),
                Method = name.TryGetProperty("method", out var method) ? method.GetString() : null,
            });
        }

        return config;
    }

    private static RetryPolicy ToRetryPolicy(JsonElement policy)
    {
        var retries = new RetryPolicy
        {
            MaxAttempts = policy.GetProperty("maxAttempts").GetInt32(),
            InitialBackoff = ToTimeSpan(policy.GetProperty("initialBackoff")),
            MaxBackoff = ToTimeSpan(policy.GetProperty("maxBackoff")),
            BackoffMultiplier = policy.GetProperty("backoffMultiplier").GetDouble(),
        };
        foreach (var code in policy.GetProperty("retryableStatusCodes").EnumerateArray())
        {
            retries.RetryableStatusCodes.Add(
                Enum.Parse<StatusCode>(code.GetString()!.Replace("_", ""), ignoreCase: true));
        }

        return retries;
    }

    private static TimeSpan ToTimeSpan(JsonElement duration) =>
        TimeSpan.FromSeconds(double.Parse(duration.GetString()!.TrimEnd('s'), CultureInfo.InvariantCulture));

    private sealed class Defaults(string token, TimeSpan? timeout) : Interceptor
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            BlockingUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Complete(context));

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Complete(context));

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Complete(context));

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(Complete(context));

        private ClientInterceptorContext<TRequest, TResponse> Complete<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context)
            where TRequest : class
            where TResponse : class
        {
            var options = context.Options;
            if (token.Length > 0)
            {
                var headers = new Metadata();
                foreach (var header in options.Headers ?? Metadata.Empty)
                {
                    headers.Add(header);
                }

                headers.Add("authorization", $"Bearer {token}");
                options = options.WithHeaders(headers);
            }

            if (options.Deadline is null && timeout is not null)
            {
                options = options.WithDeadline(DateTime.UtcNow + timeout.Value);
            }

            return new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options);
        }
    }
}
