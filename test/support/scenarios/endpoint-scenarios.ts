import type { Post } from "../fakes/webhook-receiver.ts";
import { accountWords, workflowWords } from "../payloads/linked-api-payloads.ts";
import type { OutboundRun } from "../runs/outbound-run.ts";

/** An endpoint that refuses every attempt, each with another answer. */
export async function theRefusingEndpoint({ newClient, receiver, businessNow }: OutboundRun) {
  const client = await newClient("refusing");
  const answers = [500, 404, 301, 400, 304, 503, 401, 599];
  const endpoint = receiver.endpoint((_, nth) => ({
    status: answers[nth - 1] ?? 500,
    headers: { location: "/elsewhere" },
  }));
  const webhook = await client.register({ url: endpoint.url });
  const words = { createdAt: businessNow(), accountId: client.accountId };
  await client.sendWebhook("linked-api", accountWords("account.active", words));
  const [{ id: eventId }] = (await endpoint.received(1)) as [Post];

  /** The announced time of the next attempt, by the number of attempts made. */
  const planned = new Map<number, number>();
  const failed = await client.deliveryOf(eventId, {
    status: "failed",
    seen({ attempts, nextAttemptAt }) {
      if (nextAttemptAt) planned.set(attempts.length, Date.parse(nextAttemptAt));
    },
  });
  const waits = failed.attempts.slice(1).map(({ at }, nth) => {
    const before = Date.parse(failed.attempts[nth]?.at ?? "");
    const plannedAt = planned.get(nth + 1);
    const plannedMs = plannedAt === undefined ? undefined : plannedAt - before;
    return { plannedMs, keptMs: Date.parse(at) - before };
  });
  return { client, endpoint, webhook, answers, eventId, failed, waits };
}

/** An endpoint that accepts everything, each with another 2xx answer. */
export async function theAckingEndpoint({ newClient, receiver, businessNow }: OutboundRun) {
  const client = await newClient("acking");
  const answers = [200, 201, 202, 204, 299];
  const endpoint = receiver.endpoint((_, nth) => answers[nth - 1] ?? 500);
  await client.register({ url: endpoint.url });
  for (const nth of answers.keys()) {
    const words = { createdAt: businessNow(), accountId: `${client.accountId}-${nth}` };
    await client.sendWebhook("linked-api", accountWords("account.active", words));
  }
  const posts = await endpoint.received(answers.length);
  const deliveries = await Promise.all(posts.map(({ id }) => client.deliveryOf(id)));
  return { endpoint, answers, deliveries };
}

/** An unreliable endpoint: it is slow, closes connections, and asks for delays. */
export async function theUnsteadyEndpoint({ newClient, receiver, businessNow }: OutboundRun) {
  const client = await newClient("unsteady");
  const account = (name: string) => {
    const words = accountWords("account.active", { createdAt: businessNow(), accountId: name });
    return client.sendWebhook("linked-api", words);
  };
  const seen = new Map<string, number>();
  const isFor = (post: Post, name: string) => post.body.includes(name);
  const endpoint = receiver.endpoint((post) => {
    const nth = (seen.get(post.id) ?? 0) + 1;
    seen.set(post.id, nth);
    // Longer than the timeout of a POST in this run.
    if (nth === 1 && isFor(post, "slow")) return { status: 204, afterMs: 8_000 };
    if (nth === 1 && isFor(post, "silent")) return "hang";
    if (nth === 1 && isFor(post, "lost")) return "reset";
    const isLater = [...seen.keys()].some((id) => id.startsWith("workflow.completed"));
    if (post.id.startsWith("workflow.created") && !isLater) {
      return { status: 503, headers: { "retry-after": "36000" } };
    }
    return 204;
  });
  const webhook = await client.register({ url: endpoint.url });
  await Promise.all(["slow", "silent", "lost"].map(account));

  const second = (n: number) => new Date(Date.parse("2026-06-25T12:00:00Z") + n * 1_000);
  for (const [n, state] of (["created", "started", "completed"] as const).entries()) {
    const createdAt = second(n).toISOString();
    await client.sendWebhook("linked-api", workflowWords(state, "wf-unordered", { createdAt }));
    if (state === "created") await endpoint.received(1, (post) => isFor(post, "wf-unordered"));
  }
  const deliveredOf = async (name: string, atLeast: number) => {
    const posts = await endpoint.received(atLeast, (post) => isFor(post, name));
    const delivery = await client.deliveryOf(posts[0]?.id ?? "");
    return { posts, delivery };
  };
  const [slow, silent, lost] = await Promise.all(
    ["slow", "silent", "lost"].map((name) => deliveredOf(name, 2)),
  );
  const created = endpoint.posts.find(({ id }) => id.startsWith("workflow.created"))?.id ?? "";
  await client.deliveryOf(created);
  const unordered = endpoint.posts.filter((post) => isFor(post, "wf-unordered"));
  return { client, endpoint, webhook, slow, silent, lost, unordered };
}
