import { expect, onTestFinished, test, vi } from "vitest";
import { exportSpans } from "../../../shared/adapters/otlp/otlp-exporter.ts";
import type { Span } from "../../../shared/core/tracing/span.ts";
import { startOtlpCollector } from "../../support/fakes/otlp-collector.ts";

const span: Span = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  isSampled: true,
  parentSpanId: "00f067aa0ba902b7",
  name: "POST webhook",
  kind: "client",
  service: "deliver",
  startMs: 1_700_000_000_123,
  endMs: 1_700_000_000_625,
  isFailed: true,
  attributes: { deliveryId: "dl_1", code: "500", attempt: 2, webhookId: undefined },
  links: [{ traceId: "a".repeat(32), spanId: "b".repeat(16), isSampled: true }],
};

async function collector() {
  const started = await startOtlpCollector();
  onTestFinished(started.close);
  return started;
}

test("A span arrives with its ids, times, kind, status, attributes and links, under its service", async () => {
  const { url, spans, bodies } = await collector();
  await exportSpans({ url, stack: "ackwire-prod" }, [
    span,
    { ...span, service: "api", spanId: "c".repeat(16) },
  ]);
  expect(spans).toMatchObject([
    {
      service: "deliver",
      name: "POST webhook",
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      kind: 3,
      status: { code: 2 },
      startTimeUnixNano: "1700000000123000000",
      endTimeUnixNano: "1700000000625000000",
      links: [{ traceId: "a".repeat(32), spanId: "b".repeat(16) }],
    },
    { service: "api", spanId: "c".repeat(16) },
  ]);
  expect(spans[0]?.attributes).toEqual({
    "ackwire.delivery_id": "dl_1",
    "ackwire.code": "500",
    "ackwire.attempt": 2,
  });
  expect(bodies.join()).toContain("ackwire-prod");
});

test("A span whose clock was set back does not end before it starts", async () => {
  const { url, spans } = await collector();
  await exportSpans({ url, stack: "s" }, [{ ...span, endMs: span.startMs - 5 }]);
  expect(spans[0]?.endTimeUnixNano).toBe(spans[0]?.startTimeUnixNano);
});

test("A call to X-Ray is signed with the function's credentials, for the service xray", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  vi.stubEnv("AWS_SESSION_TOKEN", "session");
  const { url, headers, spans } = await collector();
  await exportSpans({ url, region: "eu-west-1", stack: "s" }, [span]);
  expect(spans).toHaveLength(1);
  expect(headers[0]).toMatchObject({
    "x-amz-security-token": "session",
    authorization: expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/xray\/aws4_request, SignedHeaders=content-type;host;[^,]*, Signature=[0-9a-f]{64}$/,
    ),
  });
});

test.each([400, 503])("A collector that answers %i is reported", async (code) => {
  const { url, answer } = await collector();
  answer(code);
  await expect(exportSpans({ url, stack: "s" }, [span])).rejects.toThrow(
    `The collector of spans answered ${code}`,
  );
});
