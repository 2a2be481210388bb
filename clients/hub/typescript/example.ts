/**
 * A service that uses images over RabbitMQ alone: see ../README.md for what it prints.
 *
 * HUB_URL names the broker. Exchanges, routing keys and payloads are those of docs/hub.md.
 */
import { randomUUID } from "node:crypto";

import amqp from "amqplib";

const REQUEST_MILLISECONDS = 120_000;

// Payloads are JSON; Modelina makes types of them from docs/asyncapi.yaml.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;
type Envelope = { type: string; payload: Json };

/** The reply to a request is an error. */
class RequestFailed extends Error {
  readonly code: string;
  readonly field: string;

  constructor(error: Json) {
    super(error.message);
    this.code = error.code;
    this.field = error.details.field;
  }
}

/** Requests and events on one channel. */
class Hub {
  private readonly pending = new Map<string, (reply: Envelope) => void>();
  private readonly received: Envelope[] = [];
  private wake = () => {};

  private constructor(
    private readonly channel: amqp.Channel,
    private readonly replies: string,
  ) {}

  /** Returns a hub that receives the events with these routing keys. */
  static async open(channel: amqp.Channel, routingKeys: string[]): Promise<Hub> {
    const replies = await channel.assertQueue("", { exclusive: true });
    const events = await channel.assertQueue("", { exclusive: true });
    for (const key of routingKeys) await channel.bindQueue(events.queue, "tabletop.events", key);
    const hub = new Hub(channel, replies.queue);
    await channel.consume(replies.queue, (message) => message && hub.onReply(message), { noAck: true });
    await channel.consume(events.queue, (message) => message && hub.onEvent(message), { noAck: true });
    return hub;
  }

  /** Returns the payload of the reply. Throws RequestFailed. */
  async request(method: string, payload: Json): Promise<Json> {
    const id = randomUUID();
    const reply = new Promise<Envelope>((resolve) => this.pending.set(id, resolve));
    const key = `image.rpc.${method}`;
    this.send("tabletop.requests", key, key, payload, id, { replyTo: this.replies, correlationId: id });
    const envelope = await inTime(reply, method);
    if (envelope.type === "error") throw new RequestFailed(envelope.payload.error);
    return envelope.payload;
  }

  /** Publishes an event, such as `map_state_changed`. */
  publish(event: string, payload: Json): void {
    this.send("tabletop.events", event.replace("_", "."), event, payload, randomUUID(), {});
  }

  /** Returns the payload of the next event of a type about an image, a character or a map. */
  async event(type: string, field: string, value: string): Promise<Json> {
    for (;;) {
      const envelope = this.received.shift();
      if (envelope === undefined) await inTime(new Promise<void>((resolve) => (this.wake = resolve)), type);
      else if (envelope.type === type && envelope.payload[field] === value) return envelope.payload;
    }
  }

  private send(exchange: string, key: string, type: string, payload: Json, id: string, options: amqp.Options.Publish) {
    const envelope = { id, correlation_id: id, source_service: "campaign-service", type, version: 1, payload };
    const body = Buffer.from(JSON.stringify(envelope));
    this.channel.publish(exchange, key, body, { contentType: "application/json", messageId: id, ...options });
  }

  private onReply(message: amqp.ConsumeMessage): void {
    const id = message.properties.correlationId as string;
    this.pending.get(id)?.(JSON.parse(message.content.toString()));
    this.pending.delete(id);
  }

  private onEvent(message: amqp.ConsumeMessage): void {
    this.received.push(JSON.parse(message.content.toString()));
    this.wake();
  }
}

/** Returns what a promise resolves to, or throws if that takes too long. */
async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply: ${what}`)), REQUEST_MILLISECONDS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a request with an invalid field. */
async function refuse(hub: Hub): Promise<void> {
  try {
    await hub.request("GenerationService.GeneratePortrait", { theme: "fantasy", size: { width: 5, height: 64 } });
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    console.log(`refused: ${error.code}, ${error.field}`);
  }
}

/** Generates a portrait, receives its event, and lists the gallery of the character. */
async function showACharacter(hub: Hub, character: string): Promise<void> {
  const { generation } = await hub.request("GenerationService.GeneratePortrait", {
    theme: "fantasy",
    species: "half-elf",
    character_class: "ranger",
    character_id: character,
    size: { width: 256, height: 256 },
    wait_for: "60s",
  });
  const { width, height } = generation.image.content.size;
  console.log(`generated: ${generation.state}, ${width} x ${height}`);
  const event = await hub.event("image_generated", "source_id", character);
  console.log(`event: image_generated, ${event.image_id === generation.image.id ? "the same image" : "another"}`);
  const gallery = await hub.request("ImageService.ListImages", { source_id: character });
  console.log(`gallery: ${gallery.images.length} image`);
}

/** Puts a creature on a map, moves it with an event, and receives the change. */
async function followAMap(hub: Hub): Promise<void> {
  const request = { theme: "fantasy", size: { width: 560, height: 420 }, wait_for: "60s" };
  const { image } = (await hub.request("GenerationService.GenerateTacticalMap", request)).generation;
  const ogre = {
    id: "ogre",
    position: { x: 1.5, y: 1.5, unit: "COORDINATE_UNIT_CELLS" },
    token: { kind: "TOKEN_KIND_MONSTER" },
  };
  const creation = { map_id: image.id, elements: [ogre] };
  const { overlay } = await hub.request("OverlayService.CreateTacticalOverlay", creation);
  await hub.event("overlay_updated", "map_id", image.id); // of the creation
  const moved = { ...ogre, position: { x: 3.5, y: 2.5, unit: "COORDINATE_UNIT_CELLS" } };
  const update = { overlay_id: overlay.id, changes: { put_tactical_elements: [moved] } };
  hub.publish("map_state_changed", { map_id: image.id, overlay_updates: [update] });
  const event = await hub.event("overlay_updated", "map_id", image.id);
  const [element] = event.changes.put_tactical_elements;
  console.log(`event: overlay_updated, ${element.id} at ${element.position.x}, ${element.position.y}`);
}

const connection = await amqp.connect(process.env.HUB_URL ?? "amqp://guest:guest@127.0.0.1:5672/");
const hub = await Hub.open(await connection.createChannel(), ["image.generated", "overlay.updated"]);
await refuse(hub);
await showACharacter(hub, randomUUID());
await followAMap(hub);
await connection.close();
