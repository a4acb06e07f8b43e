import { expect } from "vitest";
import { deliverableTypes } from "../../shared/contracts/events.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { eventOf, type Post, verified } from "../support/fakes/webhook-receiver.ts";
import { accountStatuses } from "../support/payloads/linked-api-payloads.ts";
import { completion, type Scenarios } from "../support/scenarios/linked-api-scenarios.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Working with Webhooks", sentence by sentence, where Ackwire is the sender. */
export function linkedApiWebhooksOutbound(scenarios: () => Scenarios): void {
  const { states, everySentenceHasItsTest } = makeSpecification([
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
    const runs = await scenarios().runs;
    return runs.of(runs.workflows[name]);
  };
  const eventOfRun = async (name: "completed" | "failed", type: string) => {
    const event = (await ofRun(name)).map(eventOf).find((one) => one.type === type);
    if (!event) throw new Error(`There is no ${type}`);
    return event;
  };

  states("Receive workflow and account events in real time.", async () => {
    const { of, workflows } = await scenarios().runs;
    const types = of(workflows.completed).map((post) => eventOf(post).type);
    expect(types.at(-1)).toBe("workflow.completed");
  });

  states(
    "Instead of polling for a workflow result, register a webhook once and Linked API delivers an event to your endpoint whenever a workflow changes state or a LinkedIn account changes status.",
    async () => {
      const { accountEvents } = await scenarios().runs;
      expect(typesOf(await ofRun("completed"))).toEqual(threeStates);
      expect(typesOf(accountEvents)).toEqual(Object.keys(accountStatuses).sort());
      expect((await eventOfRun("completed", "workflow.completed")).data.result).toEqual(completion);
    },
  );

  states("You register a single endpoint URL that receives events.", async () => {
    const { endpoint, client } = await scenarios().runs;
    const deliveries = await client.deliveries();
    expect(deliveries.map(({ status }) => status)).not.toContain("failed");
    const ids = endpoint.posts.map(({ id }) => id);
    expect(ids.toSorted()).toEqual([...new Set(ids)].sort());
    const delivered = deliveries.filter(({ status }) => status === "delivered");
    expect(delivered.map(({ eventId }) => eventId).sort()).toEqual(ids.toSorted());
  });

  states("A client may hold one active webhook at a time.", async () => {
    const { set, got, second, secondOfOurs, gone, setAgain, id } = await scenarios().admin;
    expect(set.status).toBe(200);
    expect(second).toMatchObject({ status: 409, success: false });
    expect(secondOfOurs).toMatchObject({ status: 409 });
    expect(got.result).toMatchObject({ webhooks: [{ id, isActive: true }] });
    expect(gone.result).toEqual({ webhooks: [] });
    expect(setAgain).toMatchObject({ status: 200, result: { webhook: { isActive: true } } });
    expect(setAgain.result.webhook).not.toMatchObject({ id });
  });

  states(
    "Every event is delivered as an HTTP POST with a JSON body (the event envelope below).",
    async () => {
      const { endpoint, webhook } = await scenarios().runs;
      for (const post of endpoint.posts) {
        expect(post.method).toBe("POST");
        expect(post.headers["content-type"]).toBe("application/json");
        expect(verified(post, webhook.secret)).toEqual(eventOf(post));
        expect(() => verified({ ...post, body: `${post.body} ` }, webhook.secret)).toThrow();
      }
    },
  );

  states("Respond with any 2xx status to acknowledge.", async () => {
    const { deliveries, answers, endpoint } = await scenarios().acking;
    const made = deliveries.map(({ status, attempts }) => {
      expect([status, attempts.length]).toEqual(["delivered", 1]);
      return attempts[0]?.httpStatus;
    });
    expect(made.sort()).toEqual(answers);
    expect(endpoint.posts).toHaveLength(answers.length);
  });

  states(
    "A non-2xx response, or a timeout, is retried with exponential backoff for up to 8 attempts before the delivery is marked failed.",
    async () => {
      const { failed, answers, endpoint, eventId, waits } = await scenarios().refusing;
      expect(failed).toMatchObject({
        status: "failed",
        reason: "attempts_used",
        cycle: 1,
        eventId,
      });
      expect(failed.attempts.map(({ httpStatus }) => httpStatus)).toEqual(answers);
      expect(failed.attempts.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(endpoint.posts).toHaveLength(8);
      // 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h, each with a jitter of ± 20 %; no attempt is early.
      const seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
      const leastMs = seconds.map((delay) => delay * 800);
      expect(waits.map(({ keptMs }, at) => keptMs >= (leastMs[at] ?? 0))).not.toContain(false);
      // The planned times that were read between two attempts.
      const seen = waits.flatMap(({ plannedMs, keptMs }, at) =>
        plannedMs === undefined ? [] : [{ plannedMs, keptMs, leastMs: leastMs[at] ?? 0 }],
      );
      expect(seen.length).toBeGreaterThan(0);
      for (const one of seen) {
        expect(one.plannedMs).toBeGreaterThanOrEqual(one.leastMs);
        expect(one.keptMs).toBeGreaterThanOrEqual(one.plannedMs);
      }
      const { silent } = await scenarios().unsteady;
      expect(silent?.delivery.attempts).toMatchObject([{ error: "TIMEOUT" }, { httpStatus: 204 }]);
    },
  );

  states("Register and manage your webhook through the Admin API.", async () => {
    const admin = await scenarios().admin;
    const { set, got, switched, ours, sent, listed, replayed, deleted, id, endpoint } = admin;
    const webhook = {
      id,
      url: endpoint.url,
      isActive: true,
      events: null,
      headerNames: [],
      signingEnabled: false,
      createdAt: expect.any(String),
    };
    const thin = { ...webhook, payloadMode: "thin" };
    expect(set.result).toEqual({
      webhook: { ...thin, secret: expect.stringMatching(/^whsec_/) },
    });
    expect(got.result).toEqual({ webhooks: [thin] });
    expect(switched.result).toEqual({ webhook: { ...webhook, payloadMode: "fat" } });
    // The native API returns the same webhook.
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
    const [first, again] = admin.posts.map((post) => verified(post, admin.secret));
    expect(again).toEqual(first);
    expect(deleted.result).toEqual({ deleted: true });
  });

  states("Every delivery has the same shape:", async () => {
    const { endpoint } = await scenarios().runs;
    for (const post of endpoint.posts) {
      const { id, type, createdAt, data, ...more } = eventOf(post);
      expect(more).toEqual({});
      expect([id, type, createdAt].map((value) => typeof value)).toEqual(Array(3).fill("string"));
      expect(data).toBeTypeOf("object");
    }
    const { id } = (await scenarios().runs).workflows.completed;
    expect(await eventOfRun("completed", "workflow.completed")).toMatchObject({
      id: `workflow.completed:${id}`,
      type: "workflow.completed",
      data: { workflowId: id, status: "completed", result: completion },
    });
  });

  states("id – stable, unique event identifier.", async () => {
    const { endpoint } = await scenarios().runs;
    const ids = endpoint.posts.map((post) => {
      expect(eventOf(post).id).toBe(post.id);
      return post.id;
    });
    expect(new Set(ids).size).toBe(ids.length);
  });

  states("Use it to deduplicate: a retried delivery reuses the same id.", async () => {
    const { endpoint, webhook, eventId } = await scenarios().refusing;
    const [first] = endpoint.posts;
    for (const post of endpoint.posts) {
      expect([post.id, post.body]).toEqual([eventId, first?.body]);
      expect(verified(post, webhook.secret).id).toBe(eventId);
    }
  });

  states("type – event type, one of the values listed below.", async () => {
    const { endpoint } = await scenarios().runs;
    const types = new Set(typesOf(endpoint.posts));
    expect([...types].sort()).toEqual([...Object.keys(accountStatuses), ...threeStates].sort());
    expect(deliverableTypes).toEqual(expect.arrayContaining([...types]));
  });

  states("createdAt – ISO 8601 timestamp of when the event was produced.", async () => {
    const { endpoint, of, workflows, beganAt, endedAt } = await scenarios().runs;
    for (const post of endpoint.posts) {
      const { createdAt } = eventOf(post);
      expect(new Date(createdAt).toISOString()).toBe(createdAt);
    }
    for (const post of of(workflows.completed)) {
      const { createdAt } = eventOf(post);
      expect(beganAt <= createdAt && createdAt <= endedAt).toBe(true);
    }
    // All eight attempts have the same createdAt.
    const refusing = await scenarios().refusing;
    const times = refusing.endpoint.posts.map((post) => eventOf(post).createdAt);
    expect(new Set(times).size).toBe(1);
  });

  states("data – event-specific payload, described per event type below.", async () => {
    const { endpoint } = await scenarios().runs;
    for (const post of endpoint.posts) {
      const { type, data } = eventOf(post);
      expect([type, "workflowId" in data]).toEqual([type, type.startsWith("workflow.")]);
    }
  });

  states("Delivery order is best-effort and not guaranteed.", async () => {
    const { unordered } = await scenarios().unsteady;
    // A retried event arrives after a later event.
    expect(unordered.at(-1)?.id).toMatch(/^workflow\.created/);
    expect(new Set(typesOf(unordered))).toEqual(new Set(threeStates));
  });

  states(
    "Correlate events by type, data.status, and createdAt rather than by arrival order.",
    async () => {
      const { unordered } = await scenarios().unsteady;
      const events = new Map(unordered.map(eventOf).map((event) => [event.id, event]));
      const inTime = [...events.values()].sort((a, b) => a.createdAt.localeCompare(b.createdAt));
      expect(inTime.map(({ type, data }) => [type, data.status])).toEqual([
        ["workflow.created", "pending"],
        ["workflow.started", "running"],
        ["workflow.completed", "completed"],
      ]);
    },
  );

  states("data carries workflowId, accountId, and status.", async () => {
    const { client, workflows } = await scenarios().runs;
    for (const post of await ofRun("completed")) {
      expect(eventOf(post).data).toMatchObject({
        workflowId: workflows.completed.id,
        accountId: client.accountId,
        status: expect.any(String),
      });
    }
  });

  states(
    "All events for one run share the same workflowId, so you can correlate them.",
    async () => {
      const { workflows, endpoint } = await scenarios().runs;
      const posts = endpoint.posts.filter(({ id }) => id.endsWith(workflows.completed.id));
      expect(typesOf(posts)).toEqual(threeStates);
      expect(new Set(posts.map((post) => eventOf(post).data.workflowId))).toEqual(
        new Set([workflows.completed.id]),
      );
    },
  );

  states(
    "workflow.created – your request was accepted and queued. status is pending.",
    async () => {
      const { data } = await eventOfRun("completed", "workflow.created");
      expect(data.status).toBe("pending");
    },
  );

  states(
    "workflow.started – the workflow actually started running. status is running.",
    async () => {
      const { data } = await eventOfRun("completed", "workflow.started");
      expect(data.status).toBe("running");
    },
  );

  states(
    "workflow.completed – the workflow reached a terminal state. status is completed or failed.",
    async () => {
      const { data } = await eventOfRun("completed", "workflow.completed");
      expect(data.status).toBe("completed");
      expect(data).not.toHaveProperty("error");
      const failed = await eventOfRun("failed", "workflow.completed");
      expect(failed.data).toMatchObject({ status: "failed", error: { message: "It failed" } });
    },
  );

  states(
    "data.result is included only on workflow.completed, and only in fat payload mode.",
    async () => {
      for (const post of await ofRun("completed")) {
        const { type, data } = eventOf(post);
        expect([type, "result" in data]).toEqual([type, type === "workflow.completed"]);
      }
      const { events } = await scenarios().modes;
      expect(events.map(({ data }) => "result" in data)).toEqual([true, false, true]);
    },
  );

  states("Cancelled workflows do not emit a webhook.", async () => {
    const { client, workflows } = await scenarios().runs;
    const types = typesOf(await ofRun("cancelled"));
    // Only the events from before the cancellation were delivered.
    expect(types).toEqual(["workflow.created", "workflow.started"]);
    expect(typesOf(await ofRun("last"))).toContain("workflow.completed");
    const { body } = await client.native("GET", `/v1/requests/${workflows.cancelled.id}`);
    expect(body.status).toBe("CANCELLED");
  });

  const accountEvent = async (type: keyof typeof accountStatuses) => {
    const { accountEvents } = await scenarios().runs;
    const event = accountEvents.map(eventOf).find((one) => one.type === type);
    return event?.data ?? ({} as JsonObject);
  };

  states(
    "data carries accountId and status, emitted when a connected LinkedIn account changes status.",
    async () => {
      const { accountEvents, client } = await scenarios().runs;
      for (const post of accountEvents) {
        const { accountId, status, accountUnknown } = eventOf(post).data;
        expect([accountId, typeof status]).toEqual([client.accountId, "string"]);
        expect(accountUnknown).toBeUndefined();
      }
    },
  );

  states(
    "account.reconnectionRequired – the account needs the user to reconnect. status is reconnection_required.",
    async () => {
      const { status } = await accountEvent("account.reconnectionRequired");
      expect(status).toBe("reconnection_required");
    },
  );

  states(
    "account.active – the account (re)connected and is operational. status is active.",
    async () => {
      expect((await accountEvent("account.active")).status).toBe("active");
    },
  );

  states(
    "account.frozen – the account was frozen, for example due to an unpaid subscription. status is frozen.",
    async () => {
      expect((await accountEvent("account.frozen")).status).toBe("frozen");
    },
  );

  states("account.deleted – the account was deleted. status is deleted.", async () => {
    expect((await accountEvent("account.deleted")).status).toBe("deleted");
  });

  states("The payload mode controls how much data workflow.completed carries:", async () => {
    const [fat, thin] = (await scenarios().modes).events;
    const { result, ...rest } = fat?.data ?? {};
    expect(result).toEqual(completion);
    // Apart from the result they differ only in their ids.
    const { workflowId, requestId, providerRequestId } = thin?.data ?? {};
    expect(thin?.data).toEqual({ ...rest, workflowId, requestId, providerRequestId });
  });

  states("fat (default) – the full workflow result is inlined in data.result.", async () => {
    const { webhook, events } = await scenarios().modes;
    expect(webhook.payloadMode).toBe("fat");
    expect(events[0]?.data.result).toEqual(completion);
  });

  states(
    "thin – data.result is omitted; fetch the result via the workflow API using data.workflowId.",
    async () => {
      const { client, events } = await scenarios().modes;
      const { data } = events[1] ?? {};
      expect(data).not.toHaveProperty("result");
      const { body } = await client.linkedApi("GET", `/workflows/${data?.workflowId}`);
      expect(body).toMatchObject({
        success: true,
        result: { workflowStatus: "completed", completion },
      });
    },
  );

  states("You can switch the mode at any time when managing the webhook.", async () => {
    const { client, webhook, events, endpoint } = await scenarios().modes;
    // A switch applies from the next event on and keeps the secret.
    expect(events.map(({ data }) => "result" in data)).toEqual([true, false, true]);
    for (const post of endpoint.posts) expect(verified(post, webhook.secret).id).toBe(post.id);
    const { body } = await client.native("GET", "/v1/webhook");
    expect(body).toMatchObject({ id: webhook.id, payloadMode: "fat" });
  });

  states("Read the JSON body and branch on type.", async () => {
    const { endpoint } = await scenarios().runs;
    for (const post of endpoint.posts) {
      const { type, id } = eventOf(post);
      expect(id.startsWith(`${type}:`)).toBe(true);
    }
  });

  states("Respond 2xx quickly to acknowledge.", async () => {
    const { slow } = await scenarios().unsteady;
    // A 204 after the timeout does not acknowledge.
    expect(slow?.delivery.attempts.map(({ httpStatus }) => httpStatus)).toEqual([undefined, 204]);
  });

  states(
    "Do heavy work asynchronously – a slow endpoint will time out and be retried.",
    async () => {
      const { slow, silent } = await scenarios().unsteady;
      for (const { delivery, posts } of [slow, silent].filter((one) => one !== undefined)) {
        const [timedOut, again] = delivery.attempts;
        expect(timedOut).toMatchObject({ n: 1, error: "TIMEOUT" });
        // The timeout is five seconds; Node's timers may be a millisecond early.
        expect(timedOut?.durationMs).toBeGreaterThanOrEqual(4_999);
        expect(again).toMatchObject({ n: 2, httpStatus: 204 });
        expect(posts).toHaveLength(2);
      }
    },
  );

  states("Deduplicate on the envelope id.", async () => {
    const { slow, lost } = await scenarios().unsteady;
    for (const { posts } of [slow, lost].filter((one) => one !== undefined)) {
      expect(posts.length).toBeGreaterThan(1);
      expect(new Set(posts.map((post) => eventOf(post).id)).size).toBe(1);
    }
  });

  states("Deliveries are at-least-once, so the same event can arrive more than once.", async () => {
    const { lost, webhook } = await scenarios().unsteady;
    // The receiver got the whole first attempt, but its response was lost.
    const [first, again] = (lost?.posts ?? []).map((post) => verified(post, webhook.secret));
    expect(again).toEqual(first);
    expect(lost?.delivery.attempts).toMatchObject([
      { error: expect.any(String) },
      { httpStatus: 204 },
    ]);
  });

  everySentenceHasItsTest();
}
