import { createServer } from "node:http";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import { closeServer, listen } from "../../../local/loopback.ts";
import { makeEventBridgePublisher } from "../../../shared/adapters/eventbridge-publisher.ts";

interface PutEventsInput {
  Entries: { Detail: string }[];
}

const idOf = ({ Detail }: { Detail: string }): string => (JSON.parse(Detail) as { id: string }).id;

/** Why EventBridge rejects a call as a whole: the error and the HTTP status. */
type Rejection = { type: string; status: number } | undefined;

let reject: (entries: PutEventsInput["Entries"]) => Rejection;
/** Why EventBridge refuses an entry of a call that it accepts. */
let refuse: (entry: { Detail: string }) => string | undefined;
/** The ids of each call in order. */
let calls: string[][];

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { Entries } = JSON.parse(Buffer.concat(chunks).toString()) as PutEventsInput;
  calls.push(Entries.map(idOf));
  const rejection = reject(Entries);
  response.writeHead(rejection?.status ?? 200, { "content-type": "application/x-amz-json-1.1" });
  response.end(
    JSON.stringify(
      rejection
        ? { __type: rejection.type, message: "rejected" }
        : {
            FailedEntryCount: Entries.filter(refuse).length,
            Entries: Entries.map((entry) => {
              const ErrorCode = refuse(entry);
              return ErrorCode === undefined ? { EventId: idOf(entry) } : { ErrorCode };
            }),
          },
    ),
  );
});
let client: EventBridgeClient;
beforeAll(async () => {
  client = new EventBridgeClient({
    ...localAws(`http://${await listen(server, 0)}`),
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await closeServer(server);
});
beforeEach(() => {
  calls = [];
  reject = () => undefined;
  refuse = () => undefined;
});

const publish = (sizes: readonly number[]) =>
  makeEventBridgePublisher({ client, busName: "bus" }).publish(
    sizes.map((bytes, index) => ({
      id: `event-${index + 1}`,
      type: "workflow.completed",
      clientId: "cl_1",
      envelope: JSON.stringify({ id: `event-${index + 1}`, data: { text: "x".repeat(bytes) } }),
    })),
  );

const oks = (results: readonly { ok: boolean }[]) => results.map(({ ok }) => ok);

test("Events are put in one call while EventBridge accepts it", async () => {
  expect(oks(await publish([10, 10, 10]))).toEqual([true, true, true]);
  expect(calls).toEqual([["event-1", "event-2", "event-3"]]);
});

// awslabs/aws-service-catalog-puppet#537, a-h/stream#8: some regions accept 256 KB of entries per call.
test.each([
  ["ValidationException", 400],
  ["RequestEntityTooLarge", 413],
])(
  "A call that EventBridge rejects as too large with %s is put again by halves until it fits",
  async (type, status) => {
    const limit = 256 * 1024;
    reject = (entries) => {
      const bytes = entries.reduce((sum, { Detail }) => sum + Buffer.byteLength(Detail), 0);
      return bytes > limit ? { type, status } : undefined;
    };
    const results = await publish([200_000, 200_000, 200_000, 100]);
    expect(oks(results)).toEqual([true, true, true, true]);
    const accepted = calls.filter((ids) => ids.length === 1 || ids.join() === "event-3,event-4");
    expect(accepted.flat().sort()).toEqual(["event-1", "event-2", "event-3", "event-4"]);
  },
);

test("One event that EventBridge rejects does not keep the others of its call from being published, and is final", async () => {
  reject = (entries) =>
    entries.some((entry) => idOf(entry) === "event-2")
      ? { type: "ValidationException", status: 400 }
      : undefined;
  expect(await publish([10, 10, 10, 10, 10])).toEqual([
    { ok: true },
    { ok: false, reason: "ValidationException", isFinal: true },
    { ok: true },
    { ok: true },
    { ok: true },
  ]);
});

test("A call that fails for another reason is not repeated, and its events are tried again later", async () => {
  reject = () => ({ type: "InternalException", status: 500 });
  expect(await publish([10, 10])).toEqual([
    { ok: false, reason: "InternalException", isFinal: false },
    { ok: false, reason: "InternalException", isFinal: false },
  ]);
  expect(calls).toHaveLength(1);
});

test.each([
  ["MalformedDetail", true],
  ["InvalidArgument", true],
  ["ThrottlingException", false],
  // Rights can be given back.
  ["NotAuthorizedForSourceException", false],
])(
  "An entry that EventBridge refuses with %s can never be accepted: %s",
  async (reason, isFinal) => {
    refuse = (entry) => (idOf(entry) === "event-2" ? reason : undefined);
    expect(await publish([10, 10])).toEqual([{ ok: true }, { ok: false, reason, isFinal }]);
  },
);
