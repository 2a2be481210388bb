/**
 * Client of image-grpc: channels with token, retry policy and deadline, decoded errors, and retries.
 *
 * <p>The stubs are in {@code com.tabletop.image.v1}.
 */
package com.tabletop.image.client;
