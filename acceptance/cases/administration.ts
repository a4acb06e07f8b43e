import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, makeApi } from "../api.ts";
import type { OpenScene } from "../scene.ts";
import type { Target } from "../target.ts";
import { until } from "../until.ts";

/** The API's health, and clients, keys and connections. */
export function administrationCases(target: Target, openScene: OpenScene): void {
  test("GET /health answers that the API is up", async () => {
    const answer = await fetch(`${target.apiUrl}/health`);
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { status: "ok" });
  });

  test("A key of the admin command opens the API, and a revoked or unknown one does not", async () => {
    const { admin, client } = await openScene();
    const { clientId } = client;
    const made = (await admin(["keys", "create", "--client", clientId])) as Json;
    const withKey = makeApi(target.apiUrl, made.apiKey);
    await withKey("GET /v1/requests");
    await makeApi(target.apiUrl, `${made.apiKey.slice(0, -4)}AAAA`)("GET /v1/requests", {
      status: 401,
    });
    await admin(["keys", "revoke", "--client", clientId, "--key", made.keyId]);
    const listed = (await admin(["keys", "list", "--client", clientId])) as Json[];
    assert.ok(listed.some(({ keyId }) => keyId === client.keyId));
    await until("the revoked key is refused", async () => {
      const answer = await fetch(`${target.apiUrl}/v1/requests`, {
        headers: { authorization: `Bearer ${made.apiKey}` },
      });
      await answer.arrayBuffer();
      return answer.status === 401;
    });
  });

  test("A connection of the admin command is listed by the API, without its secrets", async () => {
    const { client } = await openScene();
    const { items } = await client.api("GET /v1/connections");
    const shown = items.find(
      ({ connectionId }: Json) => connectionId === client.weLink.connectionId,
    );
    assert.equal(shown?.provider, "we-link");
    assert.ok(!JSON.stringify(items).includes(client.weLink.secret));
  });

  test("An operator key shows the overview and pauses a connection with an audit record, within its scope", async (t) => {
    const { admin, client } = await openScene();
    const { connectionId } = client.weLink;
    const operatorWith = async (scope: string) => {
      const name = `acceptance ${scope}`;
      const made = (await admin([
        "operator-keys",
        "create",
        "--name",
        name,
        "--scope",
        scope,
      ])) as Json;
      t.after(() => admin(["operator-keys", "revoke", "--key", made.keyId]));
      return makeApi(target.apiUrl, made.operatorKey);
    };
    const [reader, operator] = [await operatorWith("read"), await operatorWith("operate")];
    const { queues } = await reader("GET /v1/operator/overview");
    assert.ok(queues.some(({ name }: Json) => name === "inbound"));
    const body = { why: "acceptance" };
    const path = `/v1/operator/connections/${connectionId}`;
    await reader(`POST ${path}/pause`, { body, status: 403 });
    assert.equal((await operator(`POST ${path}/pause`, { body })).status, "paused");
    assert.equal((await operator(`POST ${path}/resume`, { body })).status, "active");
    const { items } = await reader("GET /v1/operator/audit?limit=100");
    const actions = items.filter(({ target: of }: Json) => of.connectionId === connectionId);
    assert.deepEqual(actions.map(({ action, outcome }: Json) => [action, outcome]).slice(0, 2), [
      ["resumeConnection", "done"],
      ["pauseConnection", "done"],
    ]);
  });
}
