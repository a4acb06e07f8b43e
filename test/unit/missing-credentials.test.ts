import { expect, test } from "vitest";
import type { Connection } from "../../shared/core/connections/ports.ts";
import { makeAcceptor } from "../support/fakes/acceptor.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";

const { connection } = makeRequestParts({
  clientId: "cl_1",
  connectionId: "cn_1",
  provider: "we-link",
});
const without: Connection = { ...connection, secrets: { webhookSecrets: [] } };

const request = {
  clientId: "cl_1",
  provider: "we-link",
  accountId: "account",
  action: "connect",
  params: {},
} as const;

/** Accepts a request while these copies of the connection are cached and stored. */
function accept(cached: Connection | undefined, stored: Connection | undefined) {
  const connections = { read: async () => cached, readThrottled: async () => stored };
  return makeAcceptor(() => ({ connections })).accept(request);
}

test("A request on a connection without credentials is refused with what to do, and is not stored", async () => {
  await expect(accept(without, without)).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringMatching(/cn_1 has no credentials.*PATCH \/v1\/connections\/cn_1/),
  });
});

test("Credentials that were set a moment ago are found, although the connection is cached without them", async () => {
  expect(await accept(without, connection)).toMatchObject({ status: "QUEUED" });
});

test("A connection that cannot be found any more does not refuse the request here", async () => {
  expect(await accept(undefined, undefined)).toMatchObject({ status: "QUEUED" });
});
