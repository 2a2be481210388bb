/**
 * Everything a client needs, once: see ../../README.md for what it prints.
 *
 * IMAGE_GRPC_TARGET, IMAGE_GRPC_CA_FILE and IMAGE_GRPC_API_KEY_FILE name the server, its certificate authority and a
 * file with the key.
 */

import { createHash, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { create } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { type Client, createClient } from "@connectrpc/connect";
import { callWithRetries, failureOf, openChannel } from "@tabletop-images/image-grpc";
import {
  type Generation,
  GenerationState,
  GenerationStateSchema,
} from "@tabletop-images/image-grpc/tabletop/image/v1/generation_pb";
import {
  type GeneratePortraitRequest,
  GeneratePortraitRequestSchema,
} from "@tabletop-images/image-grpc/tabletop/image/v1/generation_request_pb";
import {
  CancelOutcomeSchema,
  GenerationService,
} from "@tabletop-images/image-grpc/tabletop/image/v1/generation_service_pb";
import type { Image } from "@tabletop-images/image-grpc/tabletop/image/v1/image_pb";
import { ImageService, UploadImageRequestSchema } from "@tabletop-images/image-grpc/tabletop/image/v1/image_service_pb";
import {
  CacheMode,
  ImageFormat,
  ImageFormatSchema,
  ImageSubtype,
  ImageType,
} from "@tabletop-images/image-grpc/tabletop/image/v1/types_pb";

const FINAL = [GenerationState.SUCCEEDED, GenerationState.FAILED, GenerationState.CANCELLED];
const CHUNK_BYTES = 1 << 20;
const CALL_MS = 30_000;
const PICTURE_MS = 120_000;

async function main(out: string): Promise<void> {
  const caFile = process.env.IMAGE_GRPC_CA_FILE;
  const keyFile = process.env.IMAGE_GRPC_API_KEY_FILE;
  const channel = openChannel(process.env.IMAGE_GRPC_TARGET ?? "127.0.0.1:50051", {
    token: keyFile ? readFileSync(keyFile, "utf8").trim() : undefined,
    tls: caFile ? { ca: readFileSync(caFile) } : undefined,
    timeoutMs: CALL_MS,
  });
  try {
    const generations = createClient(GenerationService, channel);
    const images = createClient(ImageService, channel);
    await refuse(generations);
    const image = await generate(generations);
    const picture = await read(images, image, out);
    await retry(images, image);
    await cancelAndWatch(generations);
    await uploadAndDelete(images, picture);
  } finally {
    channel.close();
  }
}

/** Find the invalid fields of a request without the server, and read them from the server's error. */
async function refuse(generations: Client<typeof GenerationService>): Promise<void> {
  const invalid = create(GeneratePortraitRequestSchema, { theme: "Fantasy!", size: { width: 16, height: 16 } });
  const { violations = [] } = createValidator().validate(GeneratePortraitRequestSchema, invalid);
  const fields = violations.map((violation) => pathToString(violation.field)).sort();
  console.log(`checked before sending: ${fields.join(", ")}`);
  try {
    await generations.generatePortrait(invalid);
  } catch (error) {
    const failure = failureOf(error);
    const fields = failure.violations.map((violation) => violation.field).sort();
    console.log(`refused: ${failure.codeName}, ${failure.reason}: ${fields.join(", ")}`);
  }
}

function portrait(cache = CacheMode.UNSPECIFIED): GeneratePortraitRequest {
  return create(GeneratePortraitRequestSchema, {
    theme: "fantasy",
    species: "half-elf",
    characterClass: "ranger",
    size: { width: 512, height: 512 },
    format: ImageFormat.WEBP,
    requestId: randomUUID(), // repeating a request with this id has no further effect
    cache,
  });
}

/** Request a picture, again while the server is busy. */
async function submit(
  generations: Client<typeof GenerationService>,
  request: GeneratePortraitRequest,
): Promise<Generation> {
  const response = await callWithRetries((timeoutMs) => generations.generatePortrait(request, { timeoutMs }), {
    timeoutMs: PICTURE_MS,
  });
  return response.generation!;
}

/** Generate a picture, and wait for it. */
async function generate(generations: Client<typeof GenerationService>): Promise<Image> {
  const request = portrait();
  request.waitFor = durationFromMs(10_000);
  let generation = await submit(generations, request);
  if (!FINAL.includes(generation.state)) {
    const wait = { generationId: generation.id };
    generation = (await generations.waitGeneration(wait, { timeoutMs: PICTURE_MS })).generation!;
  }
  if (generation.state !== GenerationState.SUCCEEDED) {
    throw new Error(`${GenerationStateSchema.value[generation.state]!.name}: ${generation.error?.message}`);
  }
  const { size, format } = generation.image!.content!;
  console.log(`generated: ${size!.width} x ${size!.height}, ${ImageFormatSchema.value[format]!.name}`);
  const again = await submit(generations, request);
  console.log(`requested again: ${again.id === generation.id ? "the same generation" : "another generation"}`);
  return generation.image!;
}

/** Read the picture, and compare its SHA-256. */
async function read(images: Client<typeof ImageService>, image: Image, out: string): Promise<Buffer> {
  let sha256 = "";
  const parts: Uint8Array[] = [];
  for await (const { part } of images.readImage({ imageId: image.id }, { timeoutMs: PICTURE_MS })) {
    if (part.case === "content") {
      sha256 = part.value.sha256;
    } else if (part.case === "data") {
      parts.push(part.value);
    }
  }
  const picture = Buffer.concat(parts);
  if (sha256Of(picture) !== sha256) {
    throw new Error("the picture is damaged");
  }
  writeFileSync(out, picture);
  console.log(`read: ${picture.length} bytes, SHA-256 ${sha256}`);
  return picture;
}

/** Make more calls at once than the caller may make in a second. */
async function retry(images: Client<typeof ImageService>, image: Image): Promise<void> {
  const get = async (): Promise<boolean> => {
    const response = await callWithRetries((timeoutMs) => images.getImage({ imageId: image.id }, { timeoutMs }), {
      timeoutMs: PICTURE_MS,
    });
    return response.image?.id === image.id;
  };
  const results = await Promise.all(Array.from({ length: 20 }, get));
  console.log(`retried: ${results.filter(Boolean).length} of 20 calls succeeded`);
  try {
    await images.getImage({ imageId: "00000000-0000-0000-0000-000000000000" });
  } catch (error) {
    const failure = failureOf(error);
    console.log(`refused: ${failure.codeName}, ${failure.reason}`);
  }
}

/** Cancel one of two generations, and watch the other one, with a new stream after the first response. */
async function cancelAndWatch(generations: Client<typeof GenerationService>): Promise<void> {
  const watched = await submit(generations, portrait(CacheMode.BYPASS));
  const cancelled = await submit(generations, portrait(CacheMode.BYPASS));
  const { outcome } = await generations.cancelGeneration({ generationId: cancelled.id });
  console.log(`cancelled: ${CancelOutcomeSchema.value[outcome]!.name}`);
  let cursor = "";
  let state = GenerationState.UNSPECIFIED;
  while (!FINAL.includes(state)) {
    const stream = new AbortController(); // leaving the loop alone does not end the call
    const watch = { generationId: watched.id, cursor };
    for await (const response of generations.watchGeneration(watch, { timeoutMs: PICTURE_MS, signal: stream.signal })) {
      cursor = response.cursor;
      // A heartbeat has no generation.
      if (response.generation) {
        state = response.generation.state;
        break; // a client would read on; here, a new stream continues after the cursor
      }
    }
    stream.abort();
  }
  console.log(`watched: ${GenerationStateSchema.value[state]!.name}`);
}

/** Store the picture as that of another character. */
async function uploadAndDelete(images: Client<typeof ImageService>, picture: Buffer): Promise<void> {
  const sha256 = sha256Of(picture);
  const requestId = randomUUID();

  async function* parts() {
    const description = {
      type: ImageType.CHARACTER,
      subtype: ImageSubtype.PORTRAIT,
      theme: "fantasy",
      sha256,
      requestId,
    };
    yield create(UploadImageRequestSchema, { part: { case: "description", value: description } });
    for (let start = 0; start < picture.length; start += CHUNK_BYTES) {
      const data = picture.subarray(start, start + CHUNK_BYTES);
      yield create(UploadImageRequestSchema, { part: { case: "data", value: data } });
    }
  }

  const uploaded = await callWithRetries((timeoutMs) => images.uploadImage(parts(), { timeoutMs }), {
    timeoutMs: PICTURE_MS,
  });
  const image = uploaded.image!;
  console.log(`uploaded: ${image.content?.sha256 === sha256 ? "the same bytes" : "other bytes"}`);
  const deletion = { imageId: image.id, version: image.version, requestId: randomUUID() };
  await callWithRetries((timeoutMs) => images.deleteImage(deletion, { timeoutMs }), { timeoutMs: PICTURE_MS });
  console.log("deleted");
}

function sha256Of(picture: Buffer): string {
  return createHash("sha256").update(picture).digest("hex");
}

await main(process.argv[2] ?? "portrait.webp");
