using System.Reflection;
using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Tabletop.Image.Client;
using Tabletop.Image.V1;
using Duration = Google.Protobuf.WellKnownTypes.Duration;

try
{
    await Example.RunAsync(args.Length > 0 ? args[0] : "portrait.webp");
    return 0;
}
catch (Exception error)
{
    Console.Error.WriteLine(error);
    return 1;
}

/// <summary>Everything a client needs, once: see ../../../README.md for what it prints.</summary>
/// <remarks>
/// IMAGE_GRPC_TARGET, IMAGE_GRPC_CA_FILE and IMAGE_GRPC_API_KEY_FILE name the server, its certificate authority and a file
/// with the key.
/// </remarks>
internal static class Example
{
    private const int ChunkBytes = 1 << 20;
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PictureTimeout = TimeSpan.FromSeconds(120);

    public static async Task RunAsync(string file)
    {
        var target = Environment.GetEnvironmentVariable("IMAGE_GRPC_TARGET") ?? "127.0.0.1:50051";
        var caFile = Environment.GetEnvironmentVariable("IMAGE_GRPC_CA_FILE");
        var keyFile = Environment.GetEnvironmentVariable("IMAGE_GRPC_API_KEY_FILE");
        using var channel = Channels.Open(target, string.IsNullOrEmpty(caFile) ? null : Channels.Tls(caFile));
        var token = string.IsNullOrEmpty(keyFile) ? "" : File.ReadAllText(keyFile).Trim();
        var calls = channel.WithDefaults(token, CallTimeout);
        var generations = new GenerationService.GenerationServiceClient(calls);
        var images = new ImageService.ImageServiceClient(calls);
        await RefuseAsync(generations);
        var image = await GenerateAsync(generations);
        var picture = await ReadAsync(images, image, file);
        await RetryAsync(images, image);
        await CancelAndWatchAsync(generations);
        await UploadAndDeleteAsync(images, picture);
    }

    /// <summary>Reads the invalid fields of a request from the server's error.</summary>
    private static async Task RefuseAsync(GenerationService.GenerationServiceClient generations)
    {
        var invalid = new GeneratePortraitRequest { Theme = "Fantasy!", Size = new Size { Width = 16, Height = 16 } };
        try
        {
            await SubmitAsync(generations, invalid);
        }
        catch (RpcException error)
        {
            var failure = Failure.Of(error);
            var fields = failure.Violations.Select(violation => violation.Field).Order(StringComparer.Ordinal);
            Console.WriteLine($"refused: {CodeName(failure)}, {failure.Reason}: {string.Join(", ", fields)}");
        }
    }

    private static GeneratePortraitRequest Portrait(CacheMode cache = CacheMode.Unspecified) => new()
    {
        Theme = "fantasy",
        Species = "half-elf",
        CharacterClass = "ranger",
        Size = new Size { Width = 512, Height = 512 },
        Format = ImageFormat.Webp,
        Cache = cache,
        RequestId = Guid.NewGuid().ToString(), // repeating a request with this id has no further effect
    };

    private static Task<Generation> SubmitAsync(
        GenerationService.GenerationServiceClient generations, GeneratePortraitRequest request) =>
        Retries.CallWithRetriesAsync(
            async deadline => (await generations.GeneratePortraitAsync(request, deadline: deadline)).Generation,
            PictureTimeout);

    /// <summary>Generates a picture, and waits for it.</summary>
    private static async Task<Image> GenerateAsync(GenerationService.GenerationServiceClient generations)
    {
        var request = Portrait();
        request.WaitFor = Duration.FromTimeSpan(TimeSpan.FromSeconds(10));
        var generation = await SubmitAsync(generations, request);
        if (!IsFinal(generation.State))
        {
            var wait = new WaitGenerationRequest { GenerationId = generation.Id };
            generation = await Retries.CallWithRetriesAsync(
                async deadline => (await generations.WaitGenerationAsync(wait, deadline: deadline)).Generation,
                PictureTimeout);
        }

        if (generation.State != GenerationState.Succeeded)
        {
            throw new InvalidOperationException($"{Name(generation.State)}: {generation.Error?.Message}");
        }

        var content = generation.Image.Content;
        Console.WriteLine($"generated: {content.Size.Width} x {content.Size.Height}, {Name(content.Format)}");
        var again = await SubmitAsync(generations, request);
        var same = again.Id == generation.Id;
        Console.WriteLine($"requested again: {(same ? "the same generation" : "another generation")}");
        return generation.Image;
    }

    /// <summary>Reads the picture, and compares its SHA-256.</summary>
    private static async Task<byte[]> ReadAsync(ImageService.ImageServiceClient images, Image image, string file)
    {
        var (sha256, picture) = await Retries.CallWithRetriesAsync(
            deadline => DownloadAsync(images, image, deadline), PictureTimeout);
        if (Sha256(picture) != sha256)
        {
            throw new InvalidDataException("the picture is damaged");
        }

        await File.WriteAllBytesAsync(file, picture);
        Console.WriteLine($"read: {picture.Length} bytes, SHA-256 {sha256}");
        return picture;
    }

    private static async Task<(string Sha256, byte[] Picture)> DownloadAsync(
        ImageService.ImageServiceClient images, Image image, DateTime deadline)
    {
        using var call = images.ReadImage(new ReadImageRequest { ImageId = image.Id }, deadline: deadline);
        using var picture = new MemoryStream();
        var sha256 = "";
        await foreach (var part in call.ResponseStream.ReadAllAsync())
        {
            sha256 = part.Content?.Sha256 ?? sha256; // the first part describes the picture
            part.Data.WriteTo(picture);
        }

        return (sha256, picture.ToArray());
    }

    /// <summary>Makes more calls at once than the caller may make in a second.</summary>
    private static async Task RetryAsync(ImageService.ImageServiceClient images, Image image)
    {
        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => GetImageAsync(images, image.Id)));
        var succeeded = responses.Count(response => response.Image.Id == image.Id);
        Console.WriteLine($"retried: {succeeded} of 20 calls succeeded");
        try
        {
            await GetImageAsync(images, Guid.Empty.ToString());
        }
        catch (RpcException error)
        {
            var failure = Failure.Of(error);
            Console.WriteLine($"refused: {CodeName(failure)}, {failure.Reason}");
        }
    }

    private static Task<GetImageResponse> GetImageAsync(ImageService.ImageServiceClient images, string imageId) =>
        Retries.CallWithRetriesAsync(
            async deadline => await images.GetImageAsync(new GetImageRequest { ImageId = imageId }, deadline: deadline),
            PictureTimeout);

    /// <summary>Cancels one of two generations, and watches the other one, with a new stream after each change.</summary>
    private static async Task CancelAndWatchAsync(GenerationService.GenerationServiceClient generations)
    {
        var watched = await SubmitAsync(generations, Portrait(CacheMode.Bypass));
        var cancelled = await SubmitAsync(generations, Portrait(CacheMode.Bypass));
        var cancel = new CancelGenerationRequest { GenerationId = cancelled.Id };
        var outcome = await Retries.CallWithRetriesAsync(
            async deadline => (await generations.CancelGenerationAsync(cancel, deadline: deadline)).Outcome,
            PictureTimeout);
        Console.WriteLine($"cancelled: {Name(outcome)}");
        var watch = new WatchGenerationRequest { GenerationId = watched.Id };
        var state = GenerationState.Unspecified;
        while (!IsFinal(state))
        {
            var change = await Retries.CallWithRetriesAsync(
                deadline => ReadChangeAsync(generations, watch, deadline), PictureTimeout);
            watch.Cursor = change.Cursor;
            state = change.Generation.State;
        }

        Console.WriteLine($"watched: {Name(state)}");
    }

    /// <summary>Reads one change and cancels. A client would read on; here, a new stream continues after the cursor.</summary>
    private static async Task<WatchGenerationResponse> ReadChangeAsync(
        GenerationService.GenerationServiceClient generations, WatchGenerationRequest watch, DateTime deadline)
    {
        using var call = generations.WatchGeneration(watch, deadline: deadline);
        await foreach (var response in call.ResponseStream.ReadAllAsync())
        {
            if (response.Generation is not null) // not a heartbeat
            {
                return response;
            }
        }

        throw new InvalidOperationException("the stream ended before the generation");
    }

    /// <summary>Stores the picture as that of another character.</summary>
    private static async Task UploadAndDeleteAsync(ImageService.ImageServiceClient images, byte[] picture)
    {
        var description = new UploadImageDescription
        {
            Type = ImageType.Character,
            Subtype = ImageSubtype.Portrait,
            Theme = "fantasy",
            Sha256 = Sha256(picture),
            RequestId = Guid.NewGuid().ToString(),
        };
        var image = await Retries.CallWithRetriesAsync(
            deadline => UploadAsync(images, description, picture, deadline), PictureTimeout);
        var same = image.Content.Sha256 == description.Sha256;
        Console.WriteLine($"uploaded: {(same ? "the same bytes" : "other bytes")}");
        var delete = new DeleteImageRequest
        {
            ImageId = image.Id,
            Version = image.Version,
            RequestId = Guid.NewGuid().ToString(),
        };
        await Retries.CallWithRetriesAsync(
            async deadline => await images.DeleteImageAsync(delete, deadline: deadline), PictureTimeout);
        Console.WriteLine("deleted");
    }

    private static async Task<Image> UploadAsync(
        ImageService.ImageServiceClient images, UploadImageDescription description, byte[] picture, DateTime deadline)
    {
        using var call = images.UploadImage(deadline: deadline);
        await call.RequestStream.WriteAsync(new UploadImageRequest { Description = description });
        foreach (var chunk in picture.Chunk(ChunkBytes))
        {
            await call.RequestStream.WriteAsync(new UploadImageRequest { Data = ByteString.CopyFrom(chunk) });
        }

        await call.RequestStream.CompleteAsync();
        return (await call).Image;
    }

    private static bool IsFinal(GenerationState state) =>
        state is GenerationState.Succeeded or GenerationState.Failed or GenerationState.Cancelled;

    private static string Sha256(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant();

    private static string CodeName(Failure failure) => Name((Google.Rpc.Code)failure.Code);

    /// <summary>Returns the name of a value in the contract; C# has names of its own.</summary>
    private static string Name<T>(T value)
        where T : struct, Enum =>
        typeof(T).GetField(value.ToString())!.GetCustomAttribute<OriginalNameAttribute>()!.Name;
}
