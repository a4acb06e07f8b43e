import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { deadLetterHandlers } from "../../shared/core/operator/dead-letter-handlers.ts";
import type { Letter, OperatorDeps, QueueCounts } from "../../shared/core/operator/ports.ts";
import { answerOf } from "../support/answer-of.ts";

const countsOf = (name: string, of: Partial<QueueCounts> = {}): QueueCounts => ({
  ...{ name, waiting: 1, inFlight: 2, delayed: 3, deadLetters: 0, deadLettersInFlight: 0 },
  ...{ hasQueue: true, isRedrivable: true, hasDeadLetters: true, ...of },
});

const letterOf = (message: unknown, of: Partial<Letter> = {}): Letter => {
  const body = typeof message === "string" ? message : JSON.stringify(message);
  return { messageId: "m1", body, receives: 8, ...of };
};

/** The request rq_1 is of cl_request, and the connection cn_1 of cl_connection. */
function setUp({ letters = [], counts = [] }: { letters?: Letter[]; counts?: QueueCounts[] }) {
  const calls: unknown[] = [];
  const stored: Record<string, string> = { rq_1: "cl_request", cn_1: "cl_connection" };
  const find = async (id: string) => {
    if (id.endsWith("broken")) throw new Failure("DEPENDENCY_DOWN", "no store");
    return stored[id] === undefined ? undefined : { clientId: stored[id] };
  };
  const queues: OperatorDeps["queues"] = {
    counts: async () => counts,
    async look(...of) {
      calls.push(["look", ...of]);
      return letters;
    },
    async find(...of) {
      calls.push(["find", ...of]);
      return letters[0] ?? letterOf("");
    },
    async redriveAll(...of) {
      calls.push(["redriveAll", ...of]);
      return 7;
    },
    redrive: async (...of) => void calls.push(["redrive", ...of]),
    drop: async (...of) => void calls.push(["drop", ...of]),
  };
  const deps = { queues, store: { connection: find }, requestStore: { find } };
  return { calls, handlers: deadLetterHandlers(deps as unknown as OperatorDeps) };
}

/** What a list shows of one dead letter. */
async function viewOf(message: unknown, of: Partial<Letter> = {}) {
  const { handlers } = setUp({ letters: [letterOf(message, of)] });
  const { items } = await answerOf(handlers.listDeadLetters, { params: { queue: "submit" } });
  return items[0];
}

describe("The dead-letter queues", () => {
  test("The queues that have dead letters are listed with their numbers", async () => {
    const { handlers } = setUp({
      counts: [
        countsOf("inbound", { deadLetters: 4, deadLettersInFlight: 5 }),
        // They come from no queue, and are for another one.
        countsOf("requestSchedule", { hasQueue: false, maxRedriven: 500 }),
        countsOf("events", { hasQueue: false, isRedrivable: false }),
        countsOf("plain", { hasDeadLetters: false, deadLetters: 9 }),
      ],
    });
    expect(await answerOf(handlers.listDeadLetterQueues)).toEqual({
      items: [
        { queue: "inbound", messages: 4, inFlight: 5, isRedrivable: true },
        {
          ...{ queue: "requestSchedule", messages: 0, inFlight: 0, isRedrivable: true },
          maxRedriven: 500,
        },
        { queue: "events", messages: 0, inFlight: 0, isRedrivable: false },
      ],
    });
  });

  test("Fifty dead letters are looked at, and all of their queue are counted", async () => {
    const { handlers, calls } = setUp({
      letters: [letterOf("a", { messageId: "m1" }), letterOf("b", { messageId: "m2" })],
      counts: [
        countsOf("inbound", { deadLetters: 100, deadLettersInFlight: 100 }),
        countsOf("submit", { deadLetters: 3, deadLettersInFlight: 4 }),
      ],
    });
    const answer = await answerOf(handlers.listDeadLetters, { params: { queue: "submit" } });
    const items = [{ messageId: "m1" }, { messageId: "m2" }];
    expect(answer).toMatchObject({ items, messages: 7 });
    expect(calls).toEqual([["look", "submit", 50]]);
  });

  test("A queue without counts has no messages", async () => {
    const { handlers } = setUp({ counts: [countsOf("inbound", { deadLetters: 2 })] });
    const answer = await answerOf(handlers.listDeadLetters, { params: { queue: "submit" } });
    expect(answer).toEqual({ items: [], messages: 0 });
  });

  test("Dead letters are redriven and dropped by their queue and their id", async () => {
    const { handlers, calls } = setUp({});
    const params = { queue: "submit", messageId: "m1" };
    const redriven = await answerOf(handlers.redriveDeadLetters, { params });
    expect(redriven).toEqual({ queue: "submit", messages: 7 });
    expect(await answerOf(handlers.redriveDeadLetter, { params })).toEqual({ messageId: "m1" });
    expect(await answerOf(handlers.dropDeadLetter, { params })).toEqual({ messageId: "m1" });
    expect(calls).toEqual([
      ["redriveAll", "submit"],
      ["redrive", "submit", "m1"],
      ["drop", "submit", "m1"],
    ]);
  });
});

describe("A dead letter", () => {
  test("A dead letter is shown with its time, its size in bytes and what it names", async () => {
    const message = { kind: "due", requestId: "rq_2", clientId: "cl_1", connectionId: "cn_2" };
    const sentMs = Date.UTC(2026, 5, 25, 12);
    expect(await viewOf(message, { sentMs })).toEqual({
      messageId: "m1",
      sentAt: "2026-06-25T12:00:00.000Z",
      receives: 8,
      bytes: JSON.stringify(message).length,
      about: "A scheduled request is due",
      clientId: "cl_1",
      connectionId: "cn_2",
      subjectId: "rq_2",
    });
  });

  test("A dead letter that is no message names nothing, and its size is in bytes", async () => {
    const about = "Not a message of Ackwire";
    expect(await viewOf("ü€")).toEqual({ messageId: "m1", receives: 8, bytes: 5, about });
  });

  test.each<[unknown, string]>([
    [{ kind: "accepted" }, "A request was accepted, its lane is to be worked"],
    [{ kind: "acceptedBatch" }, "Requests of a batch were accepted, their lane is to be worked"],
    [{ kind: "wakeUp" }, "A lane is to be worked"],
    [{ kind: "due" }, "A scheduled request is due"],
    [{ kind: "recur" }, "A recurring request fires"],
    [{ kind: "dependency" }, "What a request depends on has happened"],
    [{ kind: "continue" }, "A person's input is to be sent"],
    [{ kind: "attempt" }, "A delivery is to be attempted"],
    [{ kind: "job" }, "A recovery, or the end of a webhook, is to be carried on"],
    [{ "detail-type": "workflow.failed" }, "The event workflow.failed, to be delivered"],
    [{ kind: "not a kind", "detail-type": "job.new" }, "The event job.new, to be delivered"],
    [{ kind: "due", "detail-type": "job.new" }, "A scheduled request is due"],
    [{ provider: "we-link", receivedAtMs: 0 }, "A webhook of we-link, to be processed"],
    [{ provider: "p", receivedAtMs: 0, kind: "due" }, "A webhook of p, to be processed"],
    [{ provider: "we-link", kind: "due" }, "A scheduled request is due"],
    [{ receivedAtMs: 0, kind: "due" }, "A scheduled request is due"],
    [{ provider: 5, receivedAtMs: 0 }, "Unknown"],
    [{}, "Unknown"],
    ["not JSON", "Not a message of Ackwire"],
    [[{ kind: "due" }], "Not a message of Ackwire"],
    ["null", "Not a message of Ackwire"],
    ['"due"', "Not a message of Ackwire"],
  ])("What %j asks for is: %s", async (message, about) => {
    expect(await viewOf(message)).toMatchObject({ about });
  });

  test.each<[object, string | undefined]>([
    [{ clientId: "cl_1", requestId: "rq_1", connectionId: "cn_1" }, "cl_1"],
    [{ clientId: "cl_1", detail: { clientId: "cl_2" } }, "cl_1"],
    [{ detail: { clientId: "cl_2" }, connectionId: "cn_1" }, "cl_2"],
    [{ requestId: "rq_1" }, "cl_request"],
    [{ detail: { id: "rq_1" } }, "cl_request"],
    [{ connectionId: "cn_1" }, "cl_connection"],
    [{ connectionId: "cn_1", deliveryId: "dl_rq_" }, "cl_connection"],
    [{ requestId: "rq_2" }, undefined],
    [{ connectionId: "cn_2" }, undefined],
    [{ deliveryId: "dl_1" }, undefined],
    [{ requestId: "rq_broken" }, undefined],
    [{ connectionId: "cn_broken" }, undefined],
    [{ clientId: "not an id", connectionId: "cn_1" }, "cl_connection"],
  ])("The client of %j is %s", async (message, clientId) => {
    const view = await viewOf(message);
    expect(view).toHaveProperty("receives", 8);
    expect(view.clientId).toBe(clientId);
  });

  test.each<[object, string | undefined]>([
    [{ requestId: "rq_1", deliveryId: "dl_1", detail: { id: "e1" } }, "rq_1"],
    [{ deliveryId: "dl_1", detail: { id: "e1" } }, "dl_1"],
    [{ detail: { id: "workflow.failed:rq~1-2_3" } }, "workflow.failed:rq~1-2_3"],
    [{ detail: ["e1"] }, undefined],
    [{ detail: "e1" }, undefined],
    [{ requestId: 5 }, undefined],
    [{ requestId: "" }, undefined],
    [{ requestId: "rq 1" }, undefined],
    [{ requestId: "/rq_1" }, undefined],
    [{ requestId: "rq_1/" }, undefined],
    [{ requestId: "rq_1\n" }, undefined],
  ])("The subject of %j is %s", async (message, subjectId) => {
    const view = await viewOf(message);
    expect(view).toHaveProperty("receives", 8);
    expect(view.subjectId).toBe(subjectId);
  });

  test("An id in a dead letter has at most 512 characters", async () => {
    const longest = "d".repeat(512);
    expect(await viewOf({ deliveryId: longest })).toMatchObject({ subjectId: longest });
    expect(await viewOf({ deliveryId: `${longest}d` })).not.toHaveProperty("subjectId");
  });

  const base64 = (text: string) => Buffer.from(text).toString("base64");
  test.each<[unknown, string | undefined]>([
    [{ provider: "we-link", bodyBase64: base64('{"a":"ü"}') }, '{"a":"ü"}'],
    [{ bodyBase64: "" }, ""],
    [{ bodyBase64: "//4=" }, undefined],
    [{ bodyBase64: 5 }, undefined],
    [{ kind: "due" }, undefined],
    ["not JSON", undefined],
    [[{ bodyBase64: base64("a") }], undefined],
  ])("The webhook in %j is %j", async (message, decoded) => {
    const letter = letterOf(message, { messageId: "m9" });
    const { handlers, calls } = setUp({ letters: [letter] });
    const params = { queue: "inbound", messageId: "m9" };
    const answer = await answerOf(handlers.getDeadLetter, { params });
    expect(answer).toMatchObject({ messageId: "m9", receives: 8, body: letter.body });
    expect(answer.decoded).toBe(decoded);
    expect(calls).toEqual([["find", "inbound", "m9"]]);
  });
});
