import static com.tabletop.image.client.Retries.callWithRetries;
import static java.util.stream.Collectors.joining;

import build.buf.protovalidate.ValidatorFactory;
import build.buf.protovalidate.exceptions.ValidationException;
import build.buf.validate.FieldPathElement;
import com.google.protobuf.ByteString;
import com.tabletop.image.client.Channels;
import com.tabletop.image.client.Failure;
import com.tabletop.image.v1.CacheMode;
import com.tabletop.image.v1.CancelGenerationRequest;
import com.tabletop.image.v1.CancelGenerationResponse;
import com.tabletop.image.v1.DeleteImageRequest;
import com.tabletop.image.v1.GeneratePortraitRequest;
import com.tabletop.image.v1.Generation;
import com.tabletop.image.v1.GenerationServiceGrpc;
import com.tabletop.image.v1.GenerationServiceGrpc.GenerationServiceBlockingV2Stub;
import com.tabletop.image.v1.GenerationState;
import com.tabletop.image.v1.GetImageRequest;
import com.tabletop.image.v1.GetImageResponse;
import com.tabletop.image.v1.Image;
import com.tabletop.image.v1.ImageContent;
import com.tabletop.image.v1.ImageFormat;
import com.tabletop.image.v1.ImageServiceGrpc;
import com.tabletop.image.v1.ImageServiceGrpc.ImageServiceBlockingV2Stub;
import com.tabletop.image.v1.ImageSubtype;
import com.tabletop.image.v1.ImageType;
import com.tabletop.image.v1.ReadImageRequest;
import com.tabletop.image.v1.ReadImageResponse;
import com.tabletop.image.v1.Size;
import com.tabletop.image.v1.UploadImageDescription;
import com.tabletop.image.v1.UploadImageRequest;
import com.tabletop.image.v1.UploadImageResponse;
import com.tabletop.image.v1.WaitGenerationRequest;
import com.tabletop.image.v1.WatchGenerationRequest;
import com.tabletop.image.v1.WatchGenerationResponse;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.BlockingClientCall;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Everything a client needs, once: see ../../README.md for what it prints.
 *
 * <p>IMAGE_GRPC_TARGET, IMAGE_GRPC_CA_FILE and IMAGE_GRPC_API_KEY_FILE name the server, its certificate authority and a
 * file with the key.
 */
public final class Example {
  private static final Set<GenerationState> FINAL =
      Set.of(
          GenerationState.GENERATION_STATE_SUCCEEDED,
          GenerationState.GENERATION_STATE_FAILED,
          GenerationState.GENERATION_STATE_CANCELLED);
  private static final int CHUNK_BYTES = 1 << 20;
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration PICTURE_TIMEOUT = Duration.ofSeconds(120);

  public static void main(String[] args) throws Exception {
    ManagedChannel channel = openChannel();
    try {
      GenerationServiceBlockingV2Stub generations = GenerationServiceGrpc.newBlockingV2Stub(channel);
      ImageServiceBlockingV2Stub images = ImageServiceGrpc.newBlockingV2Stub(channel);
      refuse(generations);
      Image image = generate(generations);
      ByteString picture = read(images, image, Path.of(args.length > 0 ? args[0] : "portrait.webp"));
      retry(images, image);
      cancelAndWatch(generations);
      uploadAndDelete(images, picture);
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  private static ManagedChannel openChannel() throws IOException {
    String caFile = System.getenv("IMAGE_GRPC_CA_FILE");
    ChannelCredentials credentials =
        caFile == null || caFile.isEmpty()
            ? InsecureChannelCredentials.create()
            : TlsChannelCredentials.newBuilder().trustManager(new File(caFile)).build();
    String target = System.getenv().getOrDefault("IMAGE_GRPC_TARGET", "127.0.0.1:50051");
    ManagedChannelBuilder<?> builder =
        Channels.newBuilder(target, credentials).intercept(Channels.defaultTimeout(CALL_TIMEOUT));
    String keyFile = System.getenv("IMAGE_GRPC_API_KEY_FILE");
    if (keyFile != null && !keyFile.isEmpty()) {
      builder.intercept(Channels.token(Files.readString(Path.of(keyFile)).strip()));
    }
    return builder.build();
  }

  /** Finds the invalid fields of a request without the server, and reads them from the server's error. */
  private static void refuse(GenerationServiceBlockingV2Stub generations)
      throws ValidationException, InterruptedException {
    GeneratePortraitRequest invalid =
        GeneratePortraitRequest.newBuilder()
            .setTheme("Fantasy!")
            .setSize(Size.newBuilder().setWidth(16).setHeight(16))
            .build();
    String fields =
        ValidatorFactory.newBuilder().build().validate(invalid).toProto().getViolationsList().stream()
            .map(violation -> violation.getField().getElementsList().stream())
            .map(path -> path.map(FieldPathElement::getFieldName).collect(joining(".")))
            .sorted()
            .collect(joining(", "));
    System.out.println("checked before sending: " + fields);
    try {
      callWithRetries(PICTURE_TIMEOUT, deadline -> generations.withDeadline(deadline).generatePortrait(invalid));
    } catch (StatusException error) {
      Failure failure = Failure.of(error);
      fields = failure.violations().stream().map(Failure.Violation::field).sorted().collect(joining(", "));
      System.out.println("refused: " + failure.code() + ", " + failure.reason() + ": " + fields);
    }
  }

  private static GeneratePortraitRequest.Builder portrait() {
    return GeneratePortraitRequest.newBuilder()
        .setTheme("fantasy")
        .setSpecies("half-elf")
        .setCharacterClass("ranger")
        .setSize(Size.newBuilder().setWidth(512).setHeight(512))
        .setFormat(ImageFormat.IMAGE_FORMAT_WEBP)
        .setRequestId(UUID.randomUUID().toString()); // repeating a request with this id has no further effect
  }

  private static Generation submit(GenerationServiceBlockingV2Stub generations, GeneratePortraitRequest request)
      throws StatusException, InterruptedException {
    return callWithRetries(
        PICTURE_TIMEOUT, deadline -> generations.withDeadline(deadline).generatePortrait(request).getGeneration());
  }

  /** Generates a picture, and waits for it. */
  private static Image generate(GenerationServiceBlockingV2Stub generations)
      throws StatusException, InterruptedException {
    GeneratePortraitRequest.Builder builder = portrait();
    builder.getWaitForBuilder().setSeconds(10);
    GeneratePortraitRequest request = builder.build();
    Generation generation = submit(generations, request);
    if (!FINAL.contains(generation.getState())) {
      WaitGenerationRequest wait = WaitGenerationRequest.newBuilder().setGenerationId(generation.getId()).build();
      generation =
          callWithRetries(
              PICTURE_TIMEOUT, deadline -> generations.withDeadline(deadline).waitGeneration(wait).getGeneration());
    }
    if (generation.getState() != GenerationState.GENERATION_STATE_SUCCEEDED) {
      throw new IllegalStateException(generation.getState() + ": " + generation.getError().getMessage());
    }
    ImageContent content = generation.getImage().getContent();
    Size size = content.getSize();
    System.out.println("generated: " + size.getWidth() + " x " + size.getHeight() + ", " + content.getFormat());
    boolean same = submit(generations, request).getId().equals(generation.getId());
    System.out.println("requested again: " + (same ? "the same generation" : "another generation"));
    return generation.getImage();
  }

  /** Reads the picture, and compares its SHA-256. */
  private static ByteString read(ImageServiceBlockingV2Stub images, Image image, Path out)
      throws StatusException, InterruptedException, IOException {
    ReadImageRequest request = ReadImageRequest.newBuilder().setImageId(image.getId()).build();
    List<ReadImageResponse> responses =
        callWithRetries(PICTURE_TIMEOUT, deadline -> readAll(images.withDeadline(deadline).readImage(request)));
    String sha256 = responses.get(0).getContent().getSha256();
    ByteString picture = ByteString.copyFrom(responses.stream().map(ReadImageResponse::getData).toList());
    if (!sha256(picture).equals(sha256)) {
      throw new IllegalStateException("the picture is damaged");
    }
    Files.write(out, picture.toByteArray());
    System.out.println("read: " + picture.size() + " bytes, SHA-256 " + sha256);
    return picture;
  }

  private static <R> List<R> readAll(BlockingClientCall<?, R> stream) throws StatusException, InterruptedException {
    List<R> responses = new ArrayList<>();
    while (stream.hasNext()) {
      responses.add(stream.read());
    }
    return responses;
  }

  /** Makes more calls at once than the caller may make in a second. */
  private static void retry(ImageServiceBlockingV2Stub images, Image image)
      throws InterruptedException, ExecutionException {
    Callable<GetImageResponse> get = () -> getImage(images, image.getId());
    ExecutorService pool = Executors.newFixedThreadPool(20);
    try {
      int succeeded = 0;
      for (Future<GetImageResponse> response : pool.invokeAll(Collections.nCopies(20, get))) {
        succeeded += response.get().getImage().getId().equals(image.getId()) ? 1 : 0;
      }
      System.out.println("retried: " + succeeded + " of 20 calls succeeded");
    } finally {
      pool.shutdown();
    }
    try {
      getImage(images, new UUID(0, 0).toString());
    } catch (StatusException error) {
      Failure failure = Failure.of(error);
      System.out.println("refused: " + failure.code() + ", " + failure.reason());
    }
  }

  private static GetImageResponse getImage(ImageServiceBlockingV2Stub images, String imageId)
      throws StatusException, InterruptedException {
    GetImageRequest request = GetImageRequest.newBuilder().setImageId(imageId).build();
    return callWithRetries(PICTURE_TIMEOUT, deadline -> images.withDeadline(deadline).getImage(request));
  }

  /** Cancels one of two generations, and watches the other one, with a new stream after each change. */
  private static void cancelAndWatch(GenerationServiceBlockingV2Stub generations)
      throws StatusException, InterruptedException {
    Generation watched = submit(generations, portrait().setCache(CacheMode.CACHE_MODE_BYPASS).build());
    Generation cancelled = submit(generations, portrait().setCache(CacheMode.CACHE_MODE_BYPASS).build());
    CancelGenerationRequest cancel = CancelGenerationRequest.newBuilder().setGenerationId(cancelled.getId()).build();
    CancelGenerationResponse response =
        callWithRetries(PICTURE_TIMEOUT, deadline -> generations.withDeadline(deadline).cancelGeneration(cancel));
    System.out.println("cancelled: " + response.getOutcome());
    String cursor = "";
    GenerationState state = GenerationState.GENERATION_STATE_UNSPECIFIED;
    while (!FINAL.contains(state)) {
      WatchGenerationRequest watch =
          WatchGenerationRequest.newBuilder().setGenerationId(watched.getId()).setCursor(cursor).build();
      WatchGenerationResponse change =
          callWithRetries(
              PICTURE_TIMEOUT, deadline -> readChange(generations.withDeadline(deadline).watchGeneration(watch)));
      if (change != null) { // otherwise the server stops
        cursor = change.getCursor();
        state = change.getGeneration().getState();
      }
    }
    System.out.println("watched: " + state);
  }

  /** Reads one change and cancels. A client would read on; here, a new stream continues after the cursor. */
  private static WatchGenerationResponse readChange(BlockingClientCall<?, WatchGenerationResponse> stream)
      throws StatusException, InterruptedException {
    WatchGenerationResponse response = stream.read();
    while (response != null && !response.hasGeneration()) { // a heartbeat
      response = stream.read();
    }
    stream.cancel("continued by a new stream", null);
    return response;
  }

  /** Stores the picture as that of another character. */
  private static void uploadAndDelete(ImageServiceBlockingV2Stub images, ByteString picture)
      throws StatusException, InterruptedException {
    UploadImageDescription description =
        UploadImageDescription.newBuilder()
            .setType(ImageType.IMAGE_TYPE_CHARACTER)
            .setSubtype(ImageSubtype.IMAGE_SUBTYPE_PORTRAIT)
            .setTheme("fantasy")
            .setSha256(sha256(picture))
            .setRequestId(UUID.randomUUID().toString())
            .build();
    Image image =
        callWithRetries(
            PICTURE_TIMEOUT, deadline -> upload(images.withDeadline(deadline).uploadImage(), description, picture));
    boolean same = image.getContent().getSha256().equals(description.getSha256());
    System.out.println("uploaded: " + (same ? "the same bytes" : "other bytes"));
    DeleteImageRequest delete =
        DeleteImageRequest.newBuilder()
            .setImageId(image.getId())
            .setVersion(image.getVersion())
            .setRequestId(UUID.randomUUID().toString())
            .build();
    callWithRetries(PICTURE_TIMEOUT, deadline -> images.withDeadline(deadline).deleteImage(delete));
    System.out.println("deleted");
  }

  private static Image upload(
      BlockingClientCall<UploadImageRequest, UploadImageResponse> stream,
      UploadImageDescription description,
      ByteString picture)
      throws StatusException, InterruptedException {
    stream.write(UploadImageRequest.newBuilder().setDescription(description).build());
    for (int start = 0; start < picture.size(); start += CHUNK_BYTES) {
      ByteString data = picture.substring(start, Math.min(start + CHUNK_BYTES, picture.size()));
      stream.write(UploadImageRequest.newBuilder().setData(data).build());
    }
    stream.halfClose();
    return stream.read().getImage();
  }

  private static String sha256(ByteString bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray()));
    } catch (NoSuchAlgorithmException error) {
      throw new AssertionError("every Java platform has SHA-256", error);
    }
  }
}
