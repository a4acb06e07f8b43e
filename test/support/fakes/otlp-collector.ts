import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { closeServer, listen } from "../../../local/loopback.ts";

/** A span in OTLP's JSON, with the service that it belongs to. */
export interface CollectedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  kind: number;
  links: { traceId: string; spanId: string }[];
  attributes: Readonly<Record<string, string | number>>;
}

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string };
}

interface TraceRequest {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: (Omit<CollectedSpan, "attributes" | "service" | "links"> & {
        attributes?: Attribute[];
        links?: CollectedSpan["links"];
      })[];
    }[];
  }[];
}

/**
 * A collector of traces on loopback, which accepts what the specification of OTLP/HTTP in JSON
 * describes: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-request>.
 */
export async function startOtlpCollector() {
  const spans: CollectedSpan[] = [];
  const bodies: string[] = [];
  const headers: Record<string, string | string[] | undefined>[] = [];
  let status = 200;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isZipped = request.headers["content-encoding"] === "gzip";
    const body = isZipped ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks);
    const isRight = request.method === "POST" && request.url === "/v1/traces";
    const isJson = request.headers["content-type"] === "application/json";
    headers.push(request.headers);
    const answer = !isRight ? 404 : !isJson ? 415 : status;
    if (answer === 200) {
      bodies.push(body.toString());
      spans.push(...spansOf(JSON.parse(body.toString()) as TraceRequest));
    }
    response.writeHead(answer, { "content-type": "application/json" }).end("{}");
  });
  const address = await listen(server, 0);
  return {
    url: `http://${address}/v1/traces`,
    spans,
    /** Everything that was received, as text. */
    bodies,
    /** Of every call. */
    headers,
    /** Every call is answered so from now on. */
    answer: (code: number) => {
      status = code;
    },
    close: () => closeServer(server),
  };
}

function spansOf({ resourceSpans }: TraceRequest): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)["service.name"]);
    return scopeSpans.flatMap((scope) =>
      scope.spans.map(({ attributes = [], links = [], ...span }) => ({
        ...span,
        service,
        links,
        attributes: valuesOf(attributes),
      })),
    );
  });
}

function valuesOf(attributes: readonly Attribute[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}
