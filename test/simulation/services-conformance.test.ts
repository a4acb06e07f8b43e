import { afterAll, beforeAll, expect, test } from "vitest";
import { compareFirings } from "./services-conformance/firings.ts";
import type { Plant } from "./services-conformance/simulated-services.ts";
import { openServicesConformance, type ServicesConformance } from "./services-conformance.ts";

let conformance: ServicesConformance;

beforeAll(async () => {
  conformance = await openServicesConformance();
});

afterAll(() => conformance?.close());

test("R6 the simulated services answer random commands as those of a local run", async () => {
  for (const seed of [1, 2, 3]) expect([seed, await conformance.compare(seed)]).toEqual([seed, []]);
});

test("R6 the simulated services have the limits of those of a local run", async () => {
  expect(await conformance.compareLimits()).toEqual([]);
});

test("R6 the simulated scheduler fires when the one of a local run fires", async () => {
  for (const seed of [1, 2, 3]) expect([seed, await compareFirings(seed)]).toEqual([seed, []]);
});

interface Part {
  Id: string;
  ReceiptHandle?: string;
  VisibilityTimeout?: number;
}

const partsOf = (input: object) => (input as { Entries?: Part[] }).Entries ?? [];

const messagesOf = (answer: unknown) =>
  (answer as { Messages?: { MessageId: string; ReceiptHandle: string }[] }).Messages ?? [];

/** Deletes and changes a message also by the receipt handle of before its last receive. */
const keepsHandles: Plant = (call) => {
  const messageOf = new Map<string, string>();
  const lastOf = new Map<string, string>();
  const lastHandle = (handle = "") => lastOf.get(messageOf.get(handle) ?? "") ?? handle;
  return async (name, input) => {
    const Entries = partsOf(input).map((one) => ({
      ...one,
      ReceiptHandle: lastHandle(one.ReceiptHandle),
    }));
    const answer = await call(name, name.endsWith("BatchCommand") ? { ...input, Entries } : input);
    for (const { MessageId, ReceiptHandle } of messagesOf(answer)) {
      messageOf.set(ReceiptHandle, MessageId);
      lastOf.set(MessageId, ReceiptHandle);
    }
    return answer;
  };
};

/** A visibility timeout of a change becomes another one. */
const changesTimeouts =
  (of: (seconds: number) => number): Plant =>
  (call) =>
  (name, input) => {
    if (name !== "ChangeMessageVisibilityBatchCommand") return call(name, input);
    const Entries = partsOf(input).map(({ VisibilityTimeout = 0, ...part }) => ({
      ...part,
      VisibilityTimeout: of(VisibilityTimeout),
    }));
    return call(name, { ...input, Entries });
  };

/** The first message without a delay is lost after the answer. */
const losesOne: Plant = (call) => {
  let isLost = false;
  return async (name, input) => {
    const isSent = name === "SendMessageCommand" && String(input.MessageBody).length > 1;
    if (!isSent || isLost || input.DelaySeconds !== undefined) return call(name, input);
    isLost = true;
    return { MessageId: "lost" };
  };
};

const planted: [title: string, plant: Plant][] = [
  ["loses one message that it has taken", losesOne],
  [
    "ignores the delay of a message",
    (call) => (name, input) =>
      call(name, name === "SendMessageCommand" ? { ...input, DelaySeconds: 0 } : input),
  ],
  ["acts on the receipt handle of an earlier receive", keepsHandles],
  [
    "hides a message for a minute that is to be visible at once",
    changesTimeouts((seconds) => (seconds === 0 ? 60 : seconds)),
  ],
  [
    "takes a visibility timeout of more than twelve hours",
    changesTimeouts((seconds) => Math.min(seconds, 43_200)),
  ],
  [
    "says that it has deleted a schedule that there is not",
    (call) => async (name, input) => (name === "DeleteScheduleCommand" ? {} : call(name, input)),
  ],
];

test.each(planted)("R6 the comparison finds a simulated service that %s", async (_, plant) => {
  const found: string[] = [];
  for (let seed = 1; found.length === 0 && seed <= 10; seed++) {
    found.push(...(await conformance.compare(seed, plant)));
  }
  expect(found).not.toEqual([]);
});

test("R6 the comparison finds a simulated service that takes more than ten entries", async () => {
  const found = await conformance.compareLimits(
    (call) => (name, input) =>
      call(name, "Entries" in input ? { ...input, Entries: partsOf(input).slice(0, 10) } : input),
  );
  expect(found.map((text) => text.split("\n")[0])).toEqual([
    "SendMessageBatchCommand",
    "ChangeMessageVisibilityBatchCommand",
    "PutEventsCommand",
    "drain",
  ]);
});

test("R6 the comparison finds a simulated scheduler that ignores the time zone", async () => {
  expect(await compareFirings(1, (timed) => ({ ...timed, timeZone: "UTC" }))).not.toEqual([]);
});
