import { unmarshall } from "@aws-sdk/util-dynamodb";
import { readRequestItem } from "../../shared/adapters/dynamo/request-item.ts";
import type { OutboxEntry, RequestRecord } from "../../shared/core/requests/state/record.ts";

/** Reads the image of a stream record, in which binary attributes are Base64. */
export function readImage(image: object): Record<string, unknown> {
  return unmarshall(withBytes(image) as Parameters<typeof unmarshall>[0]);
}

/**
 * Reads the image of a request, and the events of the write that made it; `undefined` for another
 * item.
 */
export function readRequestImage(
  image: Record<string, unknown>,
): { request: RequestRecord; entries: OutboxEntry[] } | undefined {
  if (image.packed === undefined) return undefined;
  const { request } = readRequestItem(image);
  const entries = request.outbox.filter(({ version }) => version === request.version);
  return { request, entries };
}

function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === "B" && typeof member === "string"
        ? Buffer.from(member, "base64")
        : withBytes(member),
    ]),
  );
}
