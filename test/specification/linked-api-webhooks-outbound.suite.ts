import { expect } from "vitest";
import { deliverableTypes } from "../../shared/contracts/events.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { eventOf, type Post, verified } from "../support/fakes/webhook-receiver.ts";
import { accountStatuses } from "../support/payloads/linked-api-payloads.ts";
import { completion, type Stories } from "../support/scenarios/linked-api-scenarios.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Working with Webhooks", sentence by sentence: the side on which we are the sender. */
export function linkedApiWebhooksOutbound(stories: () => Stories): void {
  const { says, everySentenceHasItsTest } = makeSpecification([
    "Receive workflow and account events in real time.",
    "Instead of polling for a workflow result, register a webhook once and Linked API delivers an event to your endpoint whenever a workflow changes state or a LinkedIn account changes status.",
    "You register a single endpoint URL that receives events.",
    "A client may hold one active webhook at a time.",
    "Every event is delivered as an HTTP POST with a JSON body (the event envelope below).",
    "Respond with any 2xx status to acknowledge.",
    "A non-2xx response, or a timeout, is retried with exponential backoff for up to 8 attempts before the delivery is marked failed.",
    "Register and manage your webhook through the Admin API.",
    // Event envelope
    "Every delivery has the same shape:",
    "id – stable, unique event identifier.",
    "Use it to deduplicate: a retried delivery reuses the same id.",
    "type – event type, one of the values listed below.",
    "createdAt – ISO 8601 timestamp of when the event was produced.",
    "data – event-specific payload, described per event type below.",
    "Delivery order is best-effort and not guaranteed.",
    "Correlate events by type, data.status, and createdAt rather than by arrival order.",
    // Workflow events
    "data carries workflowId, accountId, and status.",
    "All events for one run share the same workflowId, so you can correlate them.",
    "workflow.created – your request was accepted and queued. status is pending.",
    "workflow.started – the workflow actually started running. status is running.",
    "workflow.completed – the workflow reached a terminal state. status is completed or failed.",
    "data.result is included only on workflow.completed, and only in fat payload mode.",
    "Cancelled workflows do not emit a webhook.",
    // Account events
    "data carries accountId and status, emitted when a connected LinkedIn account changes status.",
    "account.reconnectionRequired – the account needs the user to reconnect. status is reconnection_required.",
    "account.active – the account (re)connected and is operational. status is active.",
    "account.frozen – the account was frozen, for example due to an unpaid subscription. status is frozen.",
    "account.deleted – the account was deleted. status is deleted.",
    // Payload modes
    "The payload mode controls how much data workflow.completed carries:",
    "fat (default) – the full workflow result is inlined in data.result.",
    "thin – data.result is omitted; fetch the result via the workflow API using data.workflowId.",
    "You can switch the mode at any time when managing the webhook.",
    // Receiving events
    "Read the JSON body and branch on type.",
    "Respond 2xx quickly to acknowledge.",
    "Do heavy work asynchronously – a slow endpoint will time out and be retried.",
    "Deduplicate on the envelope id.",
    "Deliveries are at-least-once, so the same event can arrive more than once.",
  ]);

  const typesOf = (posts: Post[]) => posts.map((post) => eventOf(post).type).sort();
  const threeStates = ["workflow.completed", "workflow.created", "workflow.started"];
  const ofRun = async (name: "completed" | "failed" | "cancelled" | "last") => {
    const runs = await stories().runs;
    return runs.of(runs.workflows[name]);
  };
  const eventOfRun = async (name: "completed" | "failed", type: string) => {
    const event = (await ofRun(name)).map(eventOf).find((one) => one.type === type);
    if (!event) throw new Error(`There is no ${type}`);
    return event;
  };

  says("Receive workflow and account events in real time.", async () => {
    const { of, workflows } = await stories().runs;
    const types = of(workflows.completed).map((post) => eventOf(post).type);
    expect(types.at(-1)).toBe("workflow.completed");
  });

  says(
    "Instead of polling for a workflow result, register a webhook once and Linked API delivers an event to your endpoint whenever a workflow changes state or a LinkedIn account changes status.",
    async () => {
      const { accountEvents } = await stories().runs;
      expect(typesOf(await ofRun("completed"))).toEqual(threeStates);
      expect(typesOf(accountEvents)).toEqual(Object.keys(accountStatuses).sort());
      expect((await eventOfRun("completed", "workflow.completed")).data.result).toEqual(completion);
    },
  );

  says("You register a single endpoint URL that receives events.", async () => {
    const { endpoint, client } = await stories().runs;
    const deliveries = await client.deliveries();
    expect(deliveries.map(({ status }) => status)).not.toContain("failed");
    const ids = endpoint.posts.map(({ id }) => id);
    expect(ids.toSorted()).toEqual([...new Set(ids)].sort());
    const delivered = deliveries.filter(({ status }) => status === "delivered");
    expect(delivered.map(({ eventId }) => eventId).sort()).toEqual(ids.toSorted());
  });

  says("A client may hold one active webhook at a time.", async () => {
    const { set, got, second, secondOfOurs, gone, setAgain, id } = await stories().admin;
    expect(set.status).toBe(200);
    expect(second).toMatchObject({ status: 409, success: false });
    expect(secondOfOurs).toMatchObject({ status: 409 });
    expect(got.result).toMatchObject({ webhooks: [{ id, isActive: true }] });
    expect(gone.result).toEqual({ webhooks: [] });
    expect(setAgain).toMatchObject({ status: 200, result: { webhook: { isActive: true } } });
    expect(setAgain.result.webhook).not.toMatchObject({ id });
  });

  says(
    "Every event is delivered as an HTTP POST with a JSON body (the event envelope below).",
    async () => {
      const { endpoint, webhook } = await stories().runs;
      for (const post of endpoint.posts) {
        expect(post.method).toBe("POST");
        expect(post.headers["content-type"]).toBe("application/json");
        expect(verified(post, webhook.secret)).toEqual(eventOf(post));
        expect(() => verified({ ...post, body: `${post.body} ` }, webhook.secret)).toThrow();
      }
    },
  );

  says("Respond with any 2xx status to acknowledge.", async () => {
    const { deliveries, answers, endpoint } = await stories().acking;
    const made = deliveries.map(({ status, attempts }) => {
      expect([status, attempts.length]).toEqual(["delivered", 1]);
      return attempts[0]?.httpStatus;
    });
    expect(made.sort()).toEqual(answers);
    expect(endpoint.posts).toHaveLength(answers.length);
  });

  says(
    "A non-2xx response, or a timeout, is retried with exponential backoff for up to 8 attempts before the delivery is marked failed.",
    async () => {
      const { failed, answers, endpoint, eventId, waits } = await stories().refusing;
      expect(failed).toMatchObject({
        status: "failed",
        reason: "attempts_used",
        cycle: 1,
        eventId,
      });
      expect(failed.attempts.map(({ httpStatus }) => httpStatus)).toEqual(answers);
      expect(failed.attempts.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(endpoint.posts).toHaveLength(8);
      // 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h: each is drawn from ± 20 %, and none comes early.
      const seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
      const leastMs = seconds.map((delay) => delay * 800);
      expect(waits.map(({ keptMs }, at) => keptMs >= (leastMs[at] ?? 0))).not.toContain(false);
      // What was announced between two attempts, as far as it was seen in time.
      const seen = waits.flatMap(({ plannedMs, keptMs }, at) =>
        plannedMs === undefined ? [] : [{ plannedMs, keptMs, leastMs: leastMs[at] ?? 0 }],
      );
      expect(seen.length).toBeGreaterThan(0);
      for (const one of seen) {
        expect(one.plannedMs).toBeGreaterThanOrEqual(one.leastMs);
        expect(one.keptMs).toBeGreaterThanOrEqual(one.plannedMs);
      }
      const { silent } = await stories().unsteady;
      expect(silent?.delivery.attempts).toMatchObject([{ error: "TIMEOUT" }, { httpStatus: 204 }]);
    },
  );

  says("Register and manage your webhook through the Admin API.", async () => {
    const story = await stories().admin;
    const { set, got, switched, ours, sent, listed, replayed, deleted, id, endpoint } = story;
    const webhook = { id, url: endpoint.url, isActive: true, createdAt: expect.any(String) };
    const thin = { ...webhook, payloadMode: "thin" };
    expect(set.result).toEqual({
      webhook: { ...thin, secret: expect.stringMatching(/^whsec_/) },
    });
    expect(got.result).toEqual({ webhooks: [thin] });
    expect(switched.result).toEqual({ webhook: { ...webhook, payloadMode: "fat" } });
    // It is the one that our own API tells of.
    expect(ours.body).toMatchObject({ id, status: "active", payloadMode: "fat" });
    expect(listed.result).toMatchObject({
      deliveries: [
        {
          id: sent.result.deliveryId,
          eventType: "webhook.test",
          status: "success",
          attempts: 1,
          responseStatusCode: 204,
        },
      ],
    });
    expect(replayed).toMatchObject({ status: 200, result: { deliveryId: sent.result.deliveryId } });
    const [first, again] = story.posts.map((post) => verified(post, story.secret));
    expect(again).toEqual(first);
    expect(deleted.result).toEqual({ deleted: true });
  });

  says("Every delivery has the same shape:", async () => {
    const { endpoint } = await stories().runs;
    for (const post of endpoint.posts) {
      const { id, type, createdAt, data, ...more } = eventOf(post);
      expect(more).toEqual({});
      expect([id, type, createdAt].map((value) => typeof value)).toEqual(Array(3).fill("string"));
      expect(data).toBeTypeOf("object");
    }
    const { id } = (await stories().runs).workflows.completed;
    expect(await eventOfRun("completed", "workflow.completed")).toMatchObject({
      id: `workflow.completed:${id}`,
      type: "workflow.completed",
      data: { workflowId: id, status: "completed", result: completion },
    });
  });

  says("id – stable, unique event identifier.", async () => {
    const { endpoint } = await stories().runs;
    const ids = endpoint.posts.map((post) => {
      expect(eventOf(post).id).toBe(post.id);
      return post.id;
    });
    expect(new Set(ids).size).toBe(ids.length);
  });

  says("Use it to deduplicate: a retried delivery reuses the same id.", async () => {
    const { endpoint, webhook, eventId } = await stories().refusing;
    const [first] = endpoint.posts;
    for (const post of endpoint.posts) {
      expect([post.id, post.body]).toEqual([eventId, first?.body]);
      expect(verified(post, webhook.secret).id).toBe(eventId);
    }
  });

  says("type – event type, one of the values listed below.", async () => {
    const { endpoint } = await stories().runs;
    const types = new Set(typesOf(endpoint.posts));
    expect([...types].sort()).toEqual([...Object.keys(accountStatuses), ...threeStates].sort());
    expect(deliverableTypes).toEqual(expect.arrayContaining([...types]));
  });

  says("createdAt – ISO 8601 timestamp of when the event was produced.", async () => {
    const { endpoint, of, workflows, beganAt, endedAt } = await stories().runs;
    for (const post of endpoint.posts) {
      const { createdAt } = eventOf(post);
      expect(new Date(createdAt).toISOString()).toBe(createdAt);
    }
    for (const post of of(workflows.completed)) {
      const { createdAt } = eventOf(post);
      expect(beganAt <= createdAt && createdAt <= endedAt).toBe(true);
    }
    // However late it is delivered: the last of eight attempts says the same as the first.
    const refusing = await stories().refusing;
    const told = refusing.endpoint.posts.map((post) => eventOf(post).createdAt);
    expect(new Set(told).size).toBe(1);
  });

  says("data – event-specific payload, described per event type below.", async () => {
    const { endpoint } = await stories().runs;
    for (const post of endpoint.posts) {
      const { type, data } = eventOf(post);
      expect([type, "workflowId" in data]).toEqual([type, type.startsWith("workflow.")]);
    }
  });

  says("Delivery order is best-effort and not guaranteed.", async () => {
    const { unordered } = await stories().unsteady;
    // What is tried again comes after what came later.
    expect(unordered.at(-1)?.id).toMatch(/^workflow\.created/);
    expect(new Set(typesOf(unordered))).toEqual(new Set(threeStates));
  });

  says(
    "Correlate events by type, data.status, and createdAt rather than by arrival order.",
    async () => {
      const { unordered } = await stories().unsteady;
      const events = new Map(unordered.map(eventOf).map((event) => [event.id, event]));
      const inTime = [...events.values()].sort((a, b) => a.createdAt.localeCompare(b.createdAt));
      expect(inTime.map(({ type, data }) => [type, data.status])).toEqual([
        ["workflow.created", "pending"],
        ["workflow.started", "running"],
        ["workflow.completed", "completed"],
      ]);
    },
  );

  says("data carries workflowId, accountId, and status.", async () => {
    const { client, workflows } = await stories().runs;
    for (const post of await ofRun("completed")) {
      expect(eventOf(post).data).toMatchObject({
        workflowId: workflows.completed.id,
        accountId: client.accountId,
        status: expect.any(String),
      });
    }
  });

  says("All events for one run share the same workflowId, so you can correlate them.", async () => {
    const { workflows, endpoint } = await stories().runs;
    const told = endpoint.posts.filter(({ id }) => id.endsWith(workflows.completed.id));
    expect(typesOf(told)).toEqual(threeStates);
    expect(new Set(told.map((post) => eventOf(post).data.workflowId))).toEqual(
      new Set([workflows.completed.id]),
    );
  });

  says("workflow.created – your request was accepted and queued. status is pending.", async () => {
    const { data } = await eventOfRun("completed", "workflow.created");
    expect(data.status).toBe("pending");
  });

  says("workflow.started – the workflow actually started running. status is running.", async () => {
    const { data } = await eventOfRun("completed", "workflow.started");
    expect(data.status).toBe("running");
  });

  says(
    "workflow.completed – the workflow reached a terminal state. status is completed or failed.",
    async () => {
      const { data } = await eventOfRun("completed", "workflow.completed");
      expect(data.status).toBe("completed");
      expect(data).not.toHaveProperty("error");
      const failed = await eventOfRun("failed", "workflow.completed");
      expect(failed.data).toMatchObject({ status: "failed", error: { message: "It failed" } });
    },
  );

  says(
    "data.result is included only on workflow.completed, and only in fat payload mode.",
    async () => {
      for (const post of await ofRun("completed")) {
        const { type, data } = eventOf(post);
        expect([type, "result" in data]).toEqual([type, type === "workflow.completed"]);
      }
      const { events } = await stories().modes;
      expect(events.map(({ data }) => "result" in data)).toEqual([true, false, true]);
    },
  );

  says("Cancelled workflows do not emit a webhook.", async () => {
    const { client, workflows } = await stories().runs;
    const types = typesOf(await ofRun("cancelled"));
    // What came before it was cancelled is all that came.
    expect(types).toEqual(["workflow.created", "workflow.started"]);
    expect(typesOf(await ofRun("last"))).toContain("workflow.completed");
    const { body } = await client.native("GET", `/v1/requests/${workflows.cancelled.id}`);
    expect(body.status).toBe("CANCELLED");
  });

  const accountEvent = async (type: keyof typeof accountStatuses) => {
    const { accountEvents } = await stories().runs;
    const event = accountEvents.map(eventOf).find((one) => one.type === type);
    return event?.data ?? ({} as JsonObject);
  };

  says(
    "data carries accountId and status, emitted when a connected LinkedIn account changes status.",
    async () => {
      const { accountEvents, client } = await stories().runs;
      for (const post of accountEvents) {
        const { accountId, status, accountUnknown } = eventOf(post).data;
        expect([accountId, typeof status]).toEqual([client.accountId, "string"]);
        expect(accountUnknown).toBeUndefined();
      }
    },
  );

  says(
    "account.reconnectionRequired – the account needs the user to reconnect. status is reconnection_required.",
    async () => {
      const { status } = await accountEvent("account.reconnectionRequired");
      expect(status).toBe("reconnection_required");
    },
  );

  says(
    "account.active – the account (re)connected and is operational. status is active.",
    async () => {
      expect((await accountEvent("account.active")).status).toBe("active");
    },
  );

  says(
    "account.frozen – the account was frozen, for example due to an unpaid subscription. status is frozen.",
    async () => {
      expect((await accountEvent("account.frozen")).status).toBe("frozen");
    },
  );

  says("account.deleted – the account was deleted. status is deleted.", async () => {
    expect((await accountEvent("account.deleted")).status).toBe("deleted");
  });

  says("The payload mode controls how much data workflow.completed carries:", async () => {
    const [fat, thin] = (await stories().modes).events;
    const { result, ...rest } = fat?.data ?? {};
    expect(result).toEqual(completion);
    // They differ in their ids, and in nothing else.
    const { workflowId, requestId, providerRequestId } = thin?.data ?? {};
    expect(thin?.data).toEqual({ ...rest, workflowId, requestId, providerRequestId });
  });

  says("fat (default) – the full workflow result is inlined in data.result.", async () => {
    const { webhook, events } = await stories().modes;
    expect(webhook.payloadMode).toBe("fat");
    expect(events[0]?.data.result).toEqual(completion);
  });

  says(
    "thin – data.result is omitted; fetch the result via the workflow API using data.workflowId.",
    async () => {
      const { client, events } = await stories().modes;
      const { data } = events[1] ?? {};
      expect(data).not.toHaveProperty("result");
      const { body } = await client.linkedApi("GET", `/workflows/${data?.workflowId}`);
      expect(body).toMatchObject({
        success: true,
        result: { workflowStatus: "completed", completion },
      });
    },
  );

  says("You can switch the mode at any time when managing the webhook.", async () => {
    const { client, webhook, events, endpoint } = await stories().modes;
    // Each holds from the next event on; the secret stays.
    expect(events.map(({ data }) => "result" in data)).toEqual([true, false, true]);
    for (const post of endpoint.posts) expect(verified(post, webhook.secret).id).toBe(post.id);
    const { body } = await client.native("GET", "/v1/webhook");
    expect(body).toMatchObject({ id: webhook.id, payloadMode: "fat" });
  });

  says("Read the JSON body and branch on type.", async () => {
    const { endpoint } = await stories().runs;
    for (const post of endpoint.posts) {
      const { type, id } = eventOf(post);
      expect(id.startsWith(`${type}:`)).toBe(true);
    }
  });

  says("Respond 2xx quickly to acknowledge.", async () => {
    const { slow } = await stories().unsteady;
    // One that answers 204 too late has not acknowledged.
    expect(slow?.delivery.attempts.map(({ httpStatus }) => httpStatus)).toEqual([undefined, 204]);
  });

  says("Do heavy work asynchronously – a slow endpoint will time out and be retried.", async () => {
    const { slow, silent } = await stories().unsteady;
    for (const { delivery, posts } of [slow, silent].filter((one) => one !== undefined)) {
      const [timedOut, again] = delivery.attempts;
      expect(timedOut).toMatchObject({ n: 1, error: "TIMEOUT" });
      // The timeout is five seconds; Node's timers may be a millisecond early.
      expect(timedOut?.durationMs).toBeGreaterThanOrEqual(4_999);
      expect(again).toMatchObject({ n: 2, httpStatus: 204 });
      expect(posts).toHaveLength(2);
    }
  });

  says("Deduplicate on the envelope id.", async () => {
    const { slow, lost } = await stories().unsteady;
    for (const { posts } of [slow, lost].filter((one) => one !== undefined)) {
      expect(posts.length).toBeGreaterThan(1);
      expect(new Set(posts.map((post) => eventOf(post).id)).size).toBe(1);
    }
  });

  says("Deliveries are at-least-once, so the same event can arrive more than once.", async () => {
    const { lost, webhook } = await stories().unsteady;
    // The receiver had it all the first time, and its answer never came.
    const [first, again] = (lost?.posts ?? []).map((post) => verified(post, webhook.secret));
    expect(again).toEqual(first);
    expect(lost?.delivery.attempts).toMatchObject([
      { error: expect.any(String) },
      { httpStatus: 204 },
    ]);
  });

  everySentenceHasItsTest();
}
