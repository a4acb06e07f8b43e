import { createHash, createHmac } from "node:crypto";
import { fromEnv } from "@aws-sdk/credential-provider-env";
import { type SpanContext as ApiSpanContext, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { SignatureV4 } from "@smithy/signature-v4";
import type { SpanContext } from "../../contracts/traceparent.ts";
import { VERSION } from "../../contracts/version.ts";
import type { Span, SpanAttributes } from "../../core/tracing/span.ts";

/** Real time for one export, if the target has none: a slow collector must not delay the work. */
const EXPORT_TIMEOUT_MS = 1_000;

export interface ExportTarget {
  /** Where OTLP is accepted over HTTP. */
  url: string;
  /** Calls are signed with the function's credentials, for X-Ray in this region. */
  region?: string | undefined;
  timeoutMs?: number | undefined;
  /** The stack, as the namespace of the services. */
  stack: string;
}

/**
 * Sends spans to a collector, as OTLP in JSON over HTTP.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 * @throws Error when the collector does not accept them in time
 */
export async function exportSpans(target: ExportTarget, spans: readonly Span[]): Promise<void> {
  const resources = new Map<string, Resource>();
  const body = JsonTraceSerializer.serializeRequest(
    spans.map((span) => readable(span, resourceOf(span.service, target.stack, resources))),
  );
  if (!body) throw new Error("The spans cannot be encoded");
  const headers = { "content-type": "application/json" };
  const response = await fetch(target.url, {
    method: "POST",
    headers: target.region ? await signed(target.url, target.region, { headers, body }) : headers,
    body,
    redirect: "error",
    signal: AbortSignal.timeout(target.timeoutMs ?? EXPORT_TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`The collector of spans answered ${response.status}`);
}

function resourceOf(service: string, stack: string, known: Map<string, Resource>): Resource {
  const resource =
    known.get(service) ??
    resourceFromAttributes({
      "service.name": service,
      "service.namespace": stack,
      "service.version": VERSION,
    });
  known.set(service, resource);
  return resource;
}

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const;

const attributeNames = {
  requestId: "ackwire.request_id",
  eventId: "ackwire.event_id",
  deliveryId: "ackwire.delivery_id",
  webhookId: "ackwire.webhook_id",
  connectionId: "ackwire.connection_id",
  clientId: "ackwire.client_id",
  provider: "ackwire.provider",
  code: "ackwire.code",
  attempt: "ackwire.attempt",
  messageId: "messaging.message.id",
  batchSize: "messaging.batch.message_count",
} as const satisfies Record<keyof SpanAttributes, string>;

function readable(span: Span, resource: Resource): ReadableSpan {
  const { traceId, parentSpanId, startMs, attributes, links = [] } = span;
  // A clock may have been set back in between.
  const endMs = Math.max(span.endMs, startMs);
  const named = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [[attributeNames[name as keyof SpanAttributes], value]],
  );
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => apiContext(span),
    ...(parentSpanId === undefined
      ? {}
      : { parentSpanContext: apiContext({ traceId, spanId: parentSpanId, isSampled: true }) }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    status: { code: span.isFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: Object.fromEntries(named),
    links: links.map((link) => ({ context: apiContext(link) })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: "ackwire", version: VERSION },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function apiContext({ traceId, spanId, isSampled }: SpanContext): ApiSpanContext {
  return { traceId, spanId, traceFlags: isSampled ? 1 : 0 };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
}

async function signed(
  url: string,
  region: string,
  { headers, body }: { headers: Record<string, string>; body: Uint8Array },
): Promise<Record<string, string>> {
  const { protocol, hostname, pathname: path } = new URL(url);
  const signer = new SignatureV4({
    service: "xray",
    region,
    credentials: fromEnv(),
    sha256: Sha256,
  });
  const request = { method: "POST", protocol, hostname, path, body };
  const { headers: all } = await signer.sign({
    ...request,
    headers: { ...headers, host: hostname },
  });
  // `fetch` sets it itself.
  const { host: _, ...others } = all;
  return others;
}

/** SHA-256, and HMAC-SHA-256 with a key, in the form that the signer takes. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(key));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error("A hash is used once");
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
