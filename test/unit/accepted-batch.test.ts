import { describe, expect, test } from "vitest";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import type { Lane, RequestRecord } from "../../shared/core/requests/state/record.ts";
import {
  type HandleSubmitMessagesDeps,
  makeHandleSubmitMessages,
} from "../../shared/core/requests/submission/handle-submit-messages.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

/** The worker of the submit queue, which knows these requests and lanes and records what it does. */
function setUp(
  requests: readonly RequestRecord[],
  lanes: Readonly<Record<string, Partial<Lane>>> = {},
) {
  const done = { worked: [] as string[], woken: [] as string[], published: [] as string[] };
  const idle = { published: 0, failures: [], deferred: [] };
  const deps = {
    requests: {
      findWithLanes: async (ids: readonly string[]) =>
        new Map(
          requests
            .filter(({ requestId }) => ids.includes(requestId))
            .map((request) => [request.requestId, { request, lane: lanes[request.lane] }]),
        ),
      find: async () => {
        throw new Error("cannot be read");
      },
    },
    publishOutboxes: async (of: readonly RequestRecord[]) => {
      done.published.push(...of.map(({ requestId }) => requestId));
      return idle;
    },
    workLane: async (lane: string) => {
      done.worked.push(lane);
      return { kind: "done", submissions: [], changed: [] };
    },
    laneScheduler: {
      ensureWakeUp: async ({ lane }: { lane: string }) => done.woken.push(lane),
      dueAfterWakeUp: (wakeUpAtMs: number) => wakeUpAtMs + 60_000,
    },
    context: () => ({ nowMs: 0, nowRealMs: 0 }),
  } as unknown as HandleSubmitMessagesDeps;
  const handle = makeHandleSubmitMessages(deps);
  return {
    ...done,
    handle: (...messages: SubmitMessage[]) =>
      handle(
        messages.map((message) => JSON.stringify(message)),
        () => 30_000,
      ),
  };
}

const batchOf = (
  requests: readonly Pick<RequestRecord, "requestId">[],
  wakesLane = false,
): SubmitMessage => ({
  v: 1,
  kind: "acceptedBatch",
  requestIds: requests.map(({ requestId }) => requestId),
  wakesLane,
});
const due = { dueMs: 1 };

describe("the message of a batch", () => {
  test("The events of all requests that it names are published, and their lane is worked once", async () => {
    const owner = newOwner();
    const requests = [1, 2, 3].map(() => requestRecord(owner));
    const { handle, worked, published } = setUp(requests, { [requests[0]?.lane ?? ""]: due });
    const { messages } = await handle(batchOf(requests, true), batchOf(requests));
    expect(messages).toEqual([{ kind: "done" }, { kind: "done" }]);
    expect(published).toEqual(requests.map(({ requestId }) => requestId));
    expect(worked).toEqual([requests[0]?.lane]);
  });

  test("Of several lanes, one without a planned sweep is worked, and one that a worker holds is woken", async () => {
    const [planned, idle, held, ended] = [newOwner(), newOwner(), newOwner(), newOwner()].map(
      (owner) => requestRecord(owner),
    ) as [RequestRecord, RequestRecord, RequestRecord, RequestRecord];
    const requests = [planned, idle, held, { ...ended, status: "SUCCEEDED" as const }];
    const { handle, worked, woken, published } = setUp(requests, {
      [planned.lane]: due,
      [held.lane]: { ...due, owner: "worker" },
    });
    await handle(batchOf(requests));
    expect(published).toHaveLength(4);
    expect(worked).toEqual([idle.lane]);
    expect(woken).toEqual([held.lane]);
  });

  test("A request that cannot be read keeps the message in the queue, and the others are processed", async () => {
    const request = requestRecord();
    const { handle, worked, published } = setUp([request], { [request.lane]: due });
    const { messages } = await handle(batchOf([{ requestId: "rq_unreadable" }, request], true));
    expect(messages).toEqual([expect.objectContaining({ code: "INTERNAL_ERROR" })]);
    expect(published).toEqual([request.requestId]);
    expect(worked).toEqual([request.lane]);
  });
});
