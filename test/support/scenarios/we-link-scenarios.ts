import type { OutboundHashFormat } from "../../../shared/contracts/webhook-forms.ts";
import type { JsonObject } from "../../../shared/core/json/json.ts";
import type { Post } from "../fakes/webhook-receiver.ts";
import type { OutboundRun } from "../runs/outbound-run.ts";

export type WeLinkScenarios = ReturnType<typeof beginWeLinkScenarios>;

/** The same requests of two clients whose receivers were written for We-Link, one for each form of its hash. */
export function beginWeLinkScenarios(outbound: OutboundRun) {
  const scenarios = {
    "hmac-hex": theResults(outbound, "hmac-hex"),
    jwt: theResults(outbound, "jwt"),
  };
  for (const scenario of Object.values(scenarios)) scenario.catch(() => undefined);
  return scenarios;
}

/** A request, We-Link's answer to it, and the webhook that the client received. */
export interface Result {
  requestId: string;
  payload: JsonObject;
  post: Post;
  body: JsonObject;
}

/** Business time for which a scheduled request waits: on a busy machine it is far ahead too. */
const AHEAD_MS = 3 * 86_400_000;

async function theResults(
  { newClient, receiver, run }: OutboundRun,
  hashFormat: OutboundHashFormat,
) {
  const client = await newClient(hashFormat);
  const endpoint = receiver.endpoint();
  const webhook = await client.register({ url: endpoint.url, format: "we-link", hashFormat });

  let accounts = 0;
  /** Each request has its own account, so that it waits for no other request. */
  async function result(
    action: string,
    payload: JsonObject,
    more: JsonObject = {},
  ): Promise<Result> {
    const asked = { accountId: `${hashFormat}-${++accounts}`, ...more };
    const { body: ack, status } = await client.weLink<{ requestId: string }>(action, asked);
    if (status !== 200) throw new Error(`${action} was answered ${status}`);
    const { requestId } = ack;
    const { providerRequestId } = await client.submitted(requestId);
    await client.sendWebhook("we-link", { ...payload, request_id: providerRequestId });
    const [post] = (await endpoint.received(1, ({ body }) => body.includes(requestId))) as [Post];
    const body = JSON.parse(post.body) as JsonObject;
    return { requestId, payload, post, body };
  }

  const connected = { connected: true, profile_id: "ACoABC1d2f..." };
  const loggedIn = { first_name: "Jane", profile_id: "jane-doe-123", premium: true };
  const login = { email: "jane@example.com", password: "not for the logs" };
  const [connection, message, failure, expired, prompt, session] = await Promise.all([
    result("connect", { status: "SUCCESS", result: connected }),
    result("send_message", { status: "SUCCESS", result: { message_id: "m-1", n: 1 } }),
    result("connect", { status: "FAILED", error: "PROFILE_NOT_FOUND" }),
    result("connect", { status: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" }),
    result("login_v2", { status: "PIN_REQUIRED", message: "Please provide the code" }, login),
    result("login_v2", { status: "SUCCESS", result: loggedIn }, login),
  ]);
  const scheduled = new Date(run.clock.now() + AHEAD_MS).toISOString();
  const later = await result("connect", { status: "SUCCESS", result: connected }, { scheduled });
  const polled = await client.weLink("get_response", { request_id: connection.requestId });
  const results = { connection, message, failure, expired, prompt, session, later };
  // This format has no webhook for a request that was only accepted or started.
  await client.settled();
  return { client, webhook, posts: endpoint.posts, polled: polled.body, results };
}
