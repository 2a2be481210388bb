/**
 * Client of image-grpc: channels with token, retry policy and deadline, decoded errors, and retries.
 *
 * The stubs are in `@tabletop-images/image-grpc/tabletop/image/v1/*_pb`.
 *
 * @module
 */

export { openChannel, type Channel, type ChannelOptions } from "./channels.js";
export { failureOf, type Failure, type Violation } from "./failures.js";
export { callWithRetries } from "./retries.js";
